import type { OrderedTransaction } from "@aios/core-honor-node/dag-block";
import fc from "fast-check";
import { expect, it } from "vitest";
import { packTransactions, unpackTransactions } from "./packed-transactions.js";

const hex = (bytes: number) =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((value) => Buffer.from(value).toString("hex"));

it("gives back the transactions that were packed, in their order", () => {
  const transaction: fc.Arbitrary<OrderedTransaction> = fc.record({
    id: hex(32),
    sender: hex(20).map((address) => `0x${address}`),
    nonce: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
    gasLimit: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
    payload: fc.uint8Array({ maxLength: 300 }),
  });
  fc.assert(
    fc.property(fc.array(transaction), (transactions) => {
      expect(unpackTransactions(packTransactions(transactions))).toEqual(transactions);
    }),
  );
});
