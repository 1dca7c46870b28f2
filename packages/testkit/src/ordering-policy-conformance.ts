import type { DagBlock, OrderedTransaction } from "@aios/core-honor-node/dag-block";
import type { OrderingPolicy } from "@aios/core-honor-node/ordering-policy";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

const transactionOf = (serial: number): OrderedTransaction => ({
  id: serial.toString(16).padStart(64, "0"),
  sender: `0x${(serial % 3).toString(16).padStart(40, "0")}`,
  nonce: Math.floor(serial / 3),
  gasLimit: 21_000,
  payload: Uint8Array.of(serial),
});

/** A checkpoint's set; users send a transaction to several nodes, so that blocks may hold copies. */
const blocks = fc.array(
  fc.record({
    seat: fc.nat(5),
    tick: fc.nat(9),
    serials: fc.array(fc.nat(20), { maxLength: 8 }),
  }),
  { maxLength: 6 },
);

type Drawn = { readonly seat: number; readonly tick: number; readonly serials: readonly number[] };

/** New objects each time, as every node has its own. */
const blocksOf = (drawn: readonly Drawn[]): DagBlock[] =>
  drawn.map(({ seat, tick, serials }) => ({
    setNumber: 0,
    seat,
    tick,
    parents: ["genesis"],
    signature: "",
    transactions: serials.map(transactionOf),
  }));

const idsOf = (transactions: readonly OrderedTransaction[]): string[] => transactions.map(({ id }) => id);

/** What every `OrderingPolicy` does. */
export function orderingPolicyConformance(name: string, policy: OrderingPolicy): void {
  describe(`${name} as OrderingPolicy`, () => {
    it("orders all that the set holds, and nothing else", () => {
      fc.assert(
        fc.property(blocks, (drawn) => {
          const set = blocksOf(drawn);
          const held = new Set(set.flatMap(({ transactions }) => idsOf(transactions)));
          expect(new Set(idsOf(policy.order(set)))).toEqual(held);
          expect(policy.order(set).length).toBeLessThanOrEqual(
            set.reduce((sum, { transactions }) => sum + transactions.length, 0),
          );
        }),
      );
    });

    it("says the same on every node, and leaves the blocks as they are", () => {
      fc.assert(
        fc.property(blocks, blocks, (drawn, earlier) => {
          const set = blocksOf(drawn);
          const first = idsOf(policy.order(set));
          policy.order(blocksOf(earlier));
          expect(idsOf(policy.order(blocksOf(drawn)))).toEqual(first);
          expect(set).toEqual(blocksOf(drawn));
        }),
      );
    });

    it("orders an empty set", () => {
      expect(policy.order([])).toEqual([]);
      expect(policy.order(blocksOf([{ seat: 0, tick: 1, serials: [] }]))).toEqual([]);
    });
  });
}
