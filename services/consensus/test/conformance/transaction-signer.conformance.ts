import type { CallTransaction, TransactionSigner } from "@aios/consensus/domain/ports";
import { toHex } from "@aios/core-rlp/hex";
import type { Address } from "@aios/kernel/identifiers";
import { Transaction, Wallet } from "ethers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

const SECRET = new Uint8Array(32).fill(7);
const amount = (bits: number) => fc.bigInt({ min: 0n, max: 2n ** BigInt(bits) - 1n });

/** What every `TransactionSigner` does: as other wallets do with the same secret. */
export function transactionSignerConformance(
  name: string,
  make: (secret: Uint8Array) => TransactionSigner,
): void {
  describe(`${name} as TransactionSigner`, () => {
    const signer = make(SECRET);
    const wallet = new Wallet(toHex(SECRET));

    it("has the account of its secret", () => {
      expect(signer.address).toBe(wallet.address.toLowerCase());
      for (const secret of [new Uint8Array(32), new Uint8Array(31).fill(1), new Uint8Array(32).fill(255)])
        expect(() => make(secret)).toThrow(expect.objectContaining({ code: "invalid-operator-key" }));
    });

    it("signs what others decode to the same call by this account", () => {
      const call: fc.Arbitrary<CallTransaction> = fc.record({
        chainId: fc.bigInt({ min: 1n, max: 2n ** 48n }),
        nonce: amount(40),
        to: fc.uint8Array({ minLength: 20, maxLength: 20 }).map((bytes) => toHex(bytes) as Address),
        value: amount(96),
        gasLimit: amount(40),
        data: fc.uint8Array({ maxLength: 100 }),
        maxFeePerGas: amount(64),
        maxPriorityFeePerGas: fc.constant(0n),
      });
      fc.assert(
        fc.property(call, (one) => {
          const decoded = Transaction.from(toHex(signer.sign(one)));
          expect(decoded.from).toBe(wallet.address);
          expect({
            chainId: decoded.chainId,
            nonce: BigInt(decoded.nonce),
            to: decoded.to?.toLowerCase(),
            value: decoded.value,
            gasLimit: decoded.gasLimit,
            data: decoded.data,
            maxFeePerGas: decoded.maxFeePerGas,
            maxPriorityFeePerGas: decoded.maxPriorityFeePerGas,
          }).toEqual({ ...one, data: toHex(one.data) });
        }),
        { numRuns: 50 },
      );
    });
  });
}
