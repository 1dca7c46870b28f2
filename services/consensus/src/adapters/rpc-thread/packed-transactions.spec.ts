import { decodeTransaction } from "@aios/core-transactions/decode-transaction";
import { encodeTransaction } from "@aios/core-transactions/encode-transaction";
import { transactionHash } from "@aios/core-transactions/sender";
import type { Address } from "@aios/kernel/identifiers";
import fc from "fast-check";
import { expect, it } from "vitest";
import type { SignedTransaction } from "../../domain/transaction.js";
import { packTransactions, unpackTransactions } from "./packed-transactions.js";

const word = fc.bigInt({ min: 1n, max: 2n ** 255n });
const quantity = fc.bigInt({ min: 0n, max: 2n ** 63n });
const address = fc
  .uint8Array({ minLength: 20, maxLength: 20 })
  .map((bytes) => `0x${Buffer.from(bytes).toString("hex")}` as Address);

const signed: fc.Arbitrary<SignedTransaction> = fc
  .record({
    nonce: quantity,
    to: fc.option(address),
    value: word,
    gasLimit: quantity,
    data: fc.uint8Array({ maxLength: 300 }),
    maxFeePerGas: word,
    r: word,
    s: word,
    sender: address,
    minimumGas: fc.bigInt({ min: 21_000n, max: 2n ** 53n - 1n }),
  })
  .map(({ sender, minimumGas, r, s, ...fields }) => {
    const raw = encodeTransaction({
      ...fields,
      type: 2,
      chainId: 26_070n,
      maxPriorityFeePerGas: 1n,
      accessList: [],
      authorizationList: [],
      maxFeePerBlobGas: 0n,
      blobVersionedHashes: [],
      signature: { v: 1n, r, s },
    });
    return { ...decodeTransaction(raw), hash: transactionHash({ raw }), sender, minimumGas };
  });

it("brings transactions to another thread as they were, in order", () => {
  fc.assert(
    fc.property(fc.array(signed, { maxLength: 12 }), (transactions) => {
      expect(unpackTransactions(structuredClone(packTransactions(transactions)))).toEqual(transactions);
    }),
  );
});

it("gives each bytes of its own, so that one that waits holds on to no other", () => {
  const [first, second] = fc.sample(signed, 2);
  const packed = packTransactions([first, second] as SignedTransaction[]);
  for (const { raw } of unpackTransactions(packed)) expect(raw.buffer.byteLength).toBe(raw.length);
});
