import type { Address } from "@aios/kernel/identifiers";
import { createBlockHeader } from "@ethereumjs/block";
import { createCustomCommon, Hardfork, Mainnet } from "@ethereumjs/common";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { baseFeeCredits, nextBaseFee } from "./fees.js";
import type { Genesis } from "./genesis.js";

const common = createCustomCommon({ chainId: 1 }, Mainnet, { hardfork: Hardfork.Osaka });

describe("fees", () => {
  it("follow EIP-1559", () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 10n ** 15n }),
        fc.integer({ min: 0, max: 1_000 }),
        (baseFeePerGas, permille) => {
          const gasLimit = 60_000_000n;
          const parent = { baseFeePerGas, gasLimit, gasUsed: (gasLimit * BigInt(permille)) / 1_000n };
          expect(nextBaseFee(parent, 0n)).toBe(
            createBlockHeader({ number: 5, ...parent }, { common }).calcNextBaseFee(),
          );
        },
      ),
    );
  });

  it("never fall below the chain's minimum", () => {
    expect(nextBaseFee({ baseFeePerGas: 8n, gasLimit: 60n, gasUsed: 0n }, 8n)).toBe(8n);
  });

  it("share the base fee without creating any", () => {
    const shares = [3_000, 5_000].map((shareBps, i) => ({
      name: "",
      address: `0x${String(i).repeat(40)}` as Address,
      shareBps,
    }));
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 10n ** 8n }),
        fc.bigInt({ min: 0n, max: 10n ** 12n }),
        (gasUsed, baseFeePerGas) => {
          const credits = baseFeeCredits({ baseFeeShares: shares } as unknown as Genesis, {
            gasUsed,
            baseFeePerGas,
          });
          const given = credits.reduce((sum, credit) => sum + credit.amount, 0n);
          const total = gasUsed * baseFeePerGas;
          expect(given <= (total * 8n) / 10n).toBe(true);
          expect((total * 8n) / 10n - given < 2n).toBe(true);
        },
      ),
    );
  });
});
