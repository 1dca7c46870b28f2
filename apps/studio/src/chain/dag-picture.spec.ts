import { describe, expect, it } from "vitest";
import type { ChainReading, DagBlock } from "./chain-reading.js";
import { dagPicture, neighbour } from "./dag-picture.js";
import { windowTicks } from "./dag-window.js";

const TICK = 50;
const members = [0, 1, 2, 3].map((seat) => ({ seat, group: 0, account: `0x${seat}` }));

function block(
  id: string,
  seat: number,
  tick: number,
  parents: string[],
  more: Partial<DagBlock> = {},
): DagBlock {
  const [selectedParent = null] = parents;
  return {
    id,
    seat,
    group: 0,
    tick,
    parents,
    transactions: [],
    selectedParent,
    blueScore: tick,
    mergesetBlues: parents,
    mergesetReds: [],
    ...more,
  };
}

function reading(blocks: readonly DagBlock[], more: Partial<ChainReading> = {}): ChainReading {
  return {
    readAtMs: 0,
    tick: TICK,
    tickMs: 1_500,
    genesisTimeMs: 0,
    seat: 0,
    peers: 3,
    tips: ["c"],
    orderDelays: { count: 0, p50Ms: 0, p95Ms: 0 },
    latestHeight: 0,
    finalizedHeight: 0,
    members,
    setId: "set",
    blocks,
    checkpoints: [],
    ...more,
  };
}

const checkpoint = (height: number, tip: string) => ({
  height,
  tip,
  tick: TICK,
  attestedRoot: "0x",
  round: 0,
  signers: [0, 1, 2],
});

/** a ← b ← c, c merges red beside them; alone is on nobody's past. */
const dag = [
  block("a", 0, TICK - 2, ["older"]),
  block("red", 2, TICK - 2, ["older"]),
  block("b", 1, TICK - 1, ["a"]),
  block("c", 3, TICK, ["b", "red"], { mergesetBlues: ["b"], mergesetReds: ["red"] }),
  block("alone", 0, TICK, ["b"]),
];

describe("the picture of a DAG", () => {
  it("follows the selected chain from the best tip, colours what it merges, and leaves the rest open", () => {
    const { blocks, links } = dagPicture(reading(dag), 1_000);
    const seen = Object.fromEntries(blocks.map(({ block: { id }, ...one }) => [id, one]));
    expect(seen["a"]).toMatchObject({ colour: "blue", isOnChain: true });
    expect(seen["c"]).toMatchObject({ colour: "blue", isOnChain: true });
    expect(seen["red"]).toMatchObject({ colour: "red", isOnChain: false });
    expect(seen["alone"]).toMatchObject({ colour: "open", isOnChain: false });
    expect(links.filter(({ isOnChain }) => isOnChain).map(({ key }) => key)).toEqual(["b-a", "c-b"]);
  });

  it("says which checkpoint orders a block: the first whose tip has it in its past", () => {
    const checkpoints = [checkpoint(7, "b"), checkpoint(8, "c")];
    const { blocks, certifiedX } = dagPicture(reading(dag, { checkpoints }), 1_000);
    const orders = Object.fromEntries(blocks.map(({ block: { id }, orderedBy }) => [id, orderedBy]));
    expect(orders).toEqual({ a: 7, b: 7, red: 8, c: 8, alone: undefined });
    expect(certifiedX).toBe(blocks.find(({ block: { id } }) => id === "c")?.x);
  });

  it("draws later blocks further right, each seat in its row, all within the width", () => {
    for (const width of [320, 390, 1_200]) {
      const { blocks, rows } = dagPicture(reading(dag), width);
      const of = (id: string) => blocks.find((one) => one.block.id === id);
      expect(of("a")?.x).toBeLessThan(of("b")?.x as number);
      expect(of("b")?.x).toBeLessThan(of("c")?.x as number);
      expect(new Set(rows.map(({ y }) => y)).size).toBe(4);
      for (const { x } of blocks) expect(x).toSatisfy((at: number) => at > 0 && at < width);
    }
  });

  it("shows as much time of short ticks as its width has room for, some ticks in a column", () => {
    for (const [tickMs, ticks] of [
      [1_500, 24],
      [300, 72],
      [10, 240],
    ] as const) {
      expect(windowTicks(tickMs)).toBe(ticks);
      const { firstTick, lastTick } = dagPicture(reading([], { tick: 1_000, tickMs }), 2_000);
      expect(lastTick - firstTick + 1).toBe(ticks);
    }
  });

  it("names no two checkpoints on top of each other, and always the newest", () => {
    const crowd = Array.from({ length: 10 }, (_, n) => checkpoint(n, n % 2 === 0 ? "b" : "c"));
    const { checkpoints } = dagPicture(reading(dag, { checkpoints: crowd }), 1_000);
    expect(checkpoints.at(-1)?.isNamed).toBe(true);
    const named = checkpoints.filter(({ isNamed }) => isNamed).map(({ x }) => x);
    for (const [index, x] of named.entries())
      for (const other of named.slice(index + 1)) expect(Math.abs(x - other)).toBeGreaterThan(40);
  });

  it("lets arrow keys reach the blocks beside", () => {
    const picture = dagPicture(reading(dag), 1_000);
    expect(neighbour(picture, "a", "ArrowRight")).toBe("alone");
    expect(neighbour(picture, "b", "ArrowUp")).toBe("alone");
    expect(neighbour(picture, "b", "ArrowDown")).toBe("red");
    expect(neighbour(picture, "a", "Home")).toBe("a");
    expect(neighbour(picture, "a", "ArrowLeft")).toBeUndefined();
    expect(neighbour(picture, "gone", "ArrowLeft")).toBeUndefined();
  });
});
