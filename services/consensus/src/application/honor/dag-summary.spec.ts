import type { DagBlock } from "@aios/core-honor-node/dag-block";
import { describe, expect, it } from "vitest";
import { dagSummary } from "./dag-summary.js";

const block = (tick: number, transactions = 1): DagBlock => ({
  setNumber: 0,
  seat: 1,
  tick,
  parents: ["genesis"],
  transactions: Array.from({ length: transactions }, (_, nonce) => ({
    id: `t-${nonce}`,
    sender: "0xaa",
    nonce,
    payload: new Uint8Array(1_000),
  })),
  signature: "ab",
});

describe("a part of the DAG as it is shown", () => {
  it("has the blocks of the ticks asked for, with the hashes of their transactions and no payloads", () => {
    const shown = dagSummary((tick) => [block(tick, tick)], 1, 2);
    expect(shown).toEqual([
      { ...block(1), id: expect.stringMatching(/^[0-9a-f]{64}$/), transactions: ["t-0"] },
      { ...block(2), id: expect.stringMatching(/^[0-9a-f]{64}$/), transactions: ["t-0", "t-1"] },
    ]);
  });

  it("is refused where it has too many blocks or transactions for one answer", () => {
    const many = Array.from({ length: 100 }, () => block(1));
    expect(dagSummary(() => many, 1, 40)).toHaveLength(4_000);
    expect(dagSummary(() => many, 1, 41)).toBeUndefined();
    const large = block(1, 20_000);
    expect(dagSummary(() => [large], 1, 6)).toHaveLength(6);
    expect(dagSummary(() => [large], 1, 7)).toBeUndefined();
  });
});
