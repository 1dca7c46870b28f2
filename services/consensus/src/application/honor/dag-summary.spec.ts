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
    gasLimit: 21_000,
    payload: new Uint8Array(1_000),
  })),
  signature: "ab",
});

const colouring = (id: string) => ({
  id,
  parents: ["genesis"],
  selectedParent: "genesis",
  blueScore: 1,
  mergesetBlues: ["genesis"],
  mergesetReds: [],
});
const shown = (blocksOfTick: (tick: number) => readonly DagBlock[], from: number, to: number) =>
  dagSummary({ blocksOfTick, colouring }, from, to);

describe("a part of the DAG as it is shown", () => {
  it("has the blocks of the ticks asked for, with the hashes of their transactions, their colouring and no payloads", () => {
    const id = expect.stringMatching(/^[0-9a-f]{64}$/);
    const coloured = {
      selectedParent: "genesis",
      blueScore: 1,
      mergesetBlues: ["genesis"],
      mergesetReds: [],
    };
    expect(shown((tick) => [block(tick, tick)], 1, 2)).toEqual([
      { ...block(1), ...coloured, id, transactions: ["t-0"] },
      { ...block(2), ...coloured, id, transactions: ["t-0", "t-1"] },
    ]);
  });

  it("is refused where it has too many blocks or transactions for one answer", () => {
    const many = Array.from({ length: 100 }, () => block(1));
    expect(shown(() => many, 1, 40)).toHaveLength(4_000);
    expect(shown(() => many, 1, 41)).toBeUndefined();
    const large = block(1, 20_000);
    expect(shown(() => [large], 1, 6)).toHaveLength(6);
    expect(shown(() => [large], 1, 7)).toBeUndefined();
  });
});
