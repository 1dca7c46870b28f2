import type { Address, Bytes32 } from "@aios/kernel/identifiers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { PooledTransaction } from "./ports.js";
import { SenderQueue } from "./sender-queue.js";
import { maximumCost } from "./transaction.js";

function waiting(nonce: number, value: bigint): PooledTransaction {
  const transaction = {
    ...{ type: 2 as const, chainId: 1n, nonce: BigInt(nonce), to: null, value, gasLimit: 21_000n },
    ...{ data: new Uint8Array(0), maxFeePerGas: 7n, maxPriorityFeePerGas: 1n, accessList: [] },
    ...{ authorizationList: [], maxFeePerBlobGas: 0n, blobVersionedHashes: [] },
    ...{ signature: { v: 0n, r: 1n, s: 1n }, raw: new Uint8Array(0), minimumGas: 21_000n },
    hash: `0x${nonce}` as Bytes32,
    sender: "0x" as Address,
  };
  return { transaction, arrival: nonce, receivedAtMs: 0 };
}

/** Adds a nonce, or takes it out where it waits already. */
const toggles = fc.array(fc.tuple(fc.nat(12), fc.bigInt(0n, 1_000n)), { maxLength: 40 });

describe("SenderQueue", () => {
  it("is a list sorted by nonce with the sum of what comes before each", () => {
    fc.assert(
      fc.property(toggles, (steps) => {
        const queue = new SenderQueue();
        const expected = new Map<number, PooledTransaction>();
        for (const [nonce, value] of steps) {
          const known = expected.get(nonce);
          const greatest = Math.max(-1, ...[...expected.keys()].filter((other) => other !== nonce));
          if (known !== undefined) {
            expect(queue.remove(known)).toBe(nonce > greatest);
            expected.delete(nonce);
          } else {
            const entry = waiting(nonce, value);
            expect(queue.insert(entry)).toBe(nonce > greatest);
            expected.set(nonce, entry);
          }
          const sorted = [...expected].sort(([a], [b]) => a - b).map(([, entry]) => entry);
          expect(queue.entries).toEqual(sorted);
          for (let at = 0; at <= 13; at++) {
            expect(queue.at(BigInt(at))).toBe(expected.get(at));
            const before = sorted.filter(({ transaction }) => transaction.nonce < BigInt(at));
            expect(queue.costBefore(BigInt(at))).toBe(
              before.reduce((sum, { transaction }) => sum + maximumCost(transaction), 0n),
            );
          }
        }
      }),
    );
  });

  it("does not take out what does not wait", () => {
    const queue = new SenderQueue();
    queue.insert(waiting(1, 5n));
    expect(queue.remove(waiting(1, 5n))).toBe(false);
    expect(queue.length).toBe(1);
  });
});
