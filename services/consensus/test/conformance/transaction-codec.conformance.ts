import type { TransactionCodec } from "@aios/consensus/domain/ports";
import { SEALED_TYPE } from "@aios/consensus/domain/transaction";
import { isCodedError } from "@aios/kernel/coded-error";
import { address } from "@aios/kernel/identifiers";
import { getBytes, keccak256, type TransactionLike } from "ethers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { wallets } from "../support/test-chain.js";

const TO = `0x${"45".repeat(20)}`;

/** What every `TransactionCodec` does; `sealedRefusal` is its code for what nobody opens, a type that Ethereum does not know. */
export function transactionCodecConformance(
  name: string,
  chainId: number,
  codec: TransactionCodec,
  sealedRefusal: string,
): void {
  const sign = async (change: TransactionLike = {}): Promise<Uint8Array> => {
    const fields = { chainId, nonce: 3, to: TO, value: 5n, gasLimit: 50_000n, data: "0x0102" };
    const prices =
      (change.type ?? 2) >= 2 ? { maxFeePerGas: 9n, maxPriorityFeePerGas: 2n } : { gasPrice: 9n };
    return getBytes(
      (await wallets[1]?.signTransaction({ type: 2, ...fields, ...prices, ...change })) ?? "0x",
    );
  };

  describe(`${name} as TransactionCodec`, () => {
    it.each([0, 1, 2])("reads a transaction of type %i: who signed what, and its hash", async (type) => {
      const raw = await sign({ type });
      const decoded = codec.decode(raw);
      expect(decoded).toMatchObject({
        hash: keccak256(raw),
        sender: address(wallets[1]?.address ?? ""),
        nonce: 3n,
        value: 5n,
        gasLimit: 50_000n,
        maxFeePerGas: 9n,
      });
      expect(decoded.minimumGas).toBeGreaterThanOrEqual(21_000n);
      expect(Buffer.from(decoded.raw)).toEqual(Buffer.from(raw));
      expect(await codec.admit(raw)).toEqual(decoded);
    });

    it("refuses another chain's transaction", async () => {
      const foreign = await sign({ chainId: chainId + 1 });
      expect(() => codec.decode(foreign)).toThrow(expect.objectContaining({ kind: "invalid" }) as Error);
      await expect(codec.admit(foreign)).rejects.toMatchObject({ kind: "invalid" });
    });

    it("refuses by name what nobody opens, whatever is in it", async () => {
      for (const raw of [
        Uint8Array.of(SEALED_TYPE),
        Uint8Array.of(SEALED_TYPE, 0xc0),
        (await sign()).with(0, SEALED_TYPE),
      ])
        await expect(codec.admit(raw)).rejects.toMatchObject({ code: sealedRefusal });
    });

    it("takes several at once, each as if it were alone", async () => {
      const raws = [
        await sign(),
        Uint8Array.of(1),
        await sign({ type: 0 }),
        await sign({ chainId: chainId + 1 }),
      ];
      const alone = await Promise.all(raws.map((raw) => codec.admit(raw).catch((error: unknown) => error)));
      expect(await codec.admitAll(raws)).toEqual(alone);
    });

    it("refuses any other bytes with a coded error, and the same either way", async () => {
      const raw = await sign();
      const bytes = fc.oneof(
        fc.uint8Array({ maxLength: 200 }),
        fc
          .record({ at: fc.nat(raw.length - 1), value: fc.nat(255) })
          .map(({ at, value }) => raw.with(at, value)),
        fc.nat(raw.length - 1).map((length) => raw.slice(0, length)),
      );
      const codeOf = (error: unknown): string => {
        if (!isCodedError(error)) throw error;
        return error.code;
      };
      await fc.assert(
        fc.asyncProperty(bytes, async (some) => {
          let code = "";
          try {
            codec.decode(some);
          } catch (error) {
            code = codeOf(error);
          }
          expect(await codec.admit(some).then(() => "", codeOf)).toBe(code);
        }),
        { numRuns: 300 },
      );
    });
  });
}
