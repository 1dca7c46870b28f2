import { toHex } from "@aios/core-rlp/hex";
import type { TransactionFields } from "@aios/core-transactions/encode-transaction";
import type { TransactionType } from "@aios/core-transactions/transaction";
import type { Address, Bytes32 } from "@aios/kernel/identifiers";
import fc from "fast-check";

const uint = (bits: bigint) => fc.bigInt({ min: 0n, max: 2n ** bits - 1n });
const address = fc.uint8Array({ minLength: 20, maxLength: 20 }).map((bytes) => toHex(bytes) as Address);
const hash = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => toHex(bytes) as Bytes32);
const accessList = fc.array(fc.record({ address, storageKeys: fc.array(hash, { maxLength: 3 }) }), {
  maxLength: 3,
});
const authorization = fc.record({
  chainId: uint(64n),
  address,
  nonce: uint(64n),
  yParity: fc.nat(1),
  r: uint(255n),
  s: uint(254n),
});

/** Unsigned transactions of a type that every rule but the sender's funds accepts, for chain 1. */
export function transactionFields(type: TransactionType): fc.Arbitrary<TransactionFields> {
  const fees = fc
    .tuple(uint(60n), uint(60n))
    .map(([a, b]) => (type < 2 ? [a, a] : a < b ? [a, b] : [b, a]) as [bigint, bigint]);
  return fc
    .record({
      nonce: uint(63n),
      to: type >= 3 ? address : fc.option(address),
      value: uint(200n),
      gas: fc.bigInt({ min: 0n, max: 1_000_000n }),
      data: fc.uint8Array({ maxLength: 200 }),
      fees,
      accessList: type === 0 ? fc.constant([]) : accessList,
      authorizationList:
        type === 4 ? fc.array(authorization, { minLength: 1, maxLength: 3 }) : fc.constant([]),
      maxFeePerBlobGas: type === 3 ? uint(60n) : fc.constant(0n),
      blobs:
        type === 3
          ? fc.array(
              hash.map((h) => `0x01${h.slice(4)}` as Bytes32),
              { minLength: 1, maxLength: 6 },
            )
          : fc.constant([]),
    })
    .map(({ gas, fees: [tip, cap], blobs, ...rest }) => ({
      ...rest,
      type,
      chainId: 1n,
      gasLimit: 1_000_000n + gas,
      maxPriorityFeePerGas: tip,
      maxFeePerGas: cap,
      blobVersionedHashes: blobs,
      signature: { v: 0n, r: 0n, s: 0n },
    }));
}
