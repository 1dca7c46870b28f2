import { describe, expect, it } from "vitest";
import {
  account,
  LONG_PAST,
  SmallNetwork,
  settings,
  signed,
  TICK_MS,
  transaction,
} from "../test/small-network.js";
import { blockId, type DagBlock, isWhole } from "./dag-block.js";
import { HonorNode } from "./honor-node.js";

describe("honor nodes", () => {
  it("of one group make their blocks one after the other within a tick", () => {
    const node = new HonorNode(settings(2));
    node.start([], 0);
    const tick = (nowMs: number) => node.handle({ kind: "timer", timer: { kind: "tick" } }, nowMs);
    expect(tick(3 * TICK_MS)).toEqual([{ kind: "timer", timer: { kind: "tick" }, delayMs: TICK_MS / 2 }]);
    expect(tick(3.5 * TICK_MS).map(({ kind }) => kind)).toEqual(["timer", "persist", "send"]);
    expect(tick(3.6 * TICK_MS)).toEqual([{ kind: "timer", timer: { kind: "tick" }, delayMs: 0.9 * TICK_MS }]);
  });

  it("of one group leave out blocks that would hold nothing, but for one a slot, each in ticks of its own", () => {
    const network = new SmallNetwork(4);
    network.runUntil(20.9 * TICK_MS);
    const seatsOf = (tick: number) => network.nodes[0]?.blocksOfTick(tick).map(({ seat }) => seat);
    for (let tick = 2; tick <= 20; tick++) expect(seatsOf(tick)).toEqual(tick % 2 === 0 ? [0, 1] : [2, 3]);
    expect(network.nodes[0]?.height).toBeGreaterThan(20);
  });

  it("of several groups make a block in each tick of their duty: another group would replace a silent one", () => {
    const network = new SmallNetwork(6);
    network.runUntil(20.9 * TICK_MS);
    for (let tick = 2; tick <= 20; tick++) expect(network.nodes[0]?.blocksOfTick(tick)).toHaveLength(3);
  });

  it("put what waits into the blocks of the tick in which it came, also of nodes that would have left theirs out", () => {
    const network = new SmallNetwork(4);
    for (const tick of [10, 15]) {
      network.runUntil(tick * TICK_MS - 50);
      const senders = Array.from({ length: 12 }, (_, user) => transaction(0, 100 * tick + user));
      network.input(0, { kind: "transactions", transactions: senders });
      network.runUntil((tick + 1) * TICK_MS - 50);
      const blocks = network.nodes[0]?.blocksOfTick(tick) ?? [];
      const taken = blocks.flatMap((block) => (isWhole(block) ? block.transactions : []));
      expect(taken.map(({ id }) => id).sort()).toEqual(senders.map(({ id }) => id).sort());
    }
  });

  it("merge blocks that lie side by side in their next tick", () => {
    const node = new HonorNode(settings(0));
    node.start([], 0);
    const tick = (number: number) =>
      node
        .handle({ kind: "timer", timer: { kind: "tick" } }, number * TICK_MS)
        .flatMap((output) =>
          output.kind === "persist" && output.entry.kind === "block" ? [output.entry.block.parents] : [],
        );
    const arrive = (seat: number): string => {
      const block = signed(seat, { setNumber: 0, seat, tick: 2, parents: ["genesis"], transactions: [] });
      node.handle({ kind: "packet", from: account(seat), packet: { kind: "block", block } }, 2.9 * TICK_MS);
      return blockId(block);
    };
    const first = arrive(1);
    // An odd tick is not the one in which this node shows itself.
    expect(tick(3)).toEqual([]);
    const second = arrive(2);
    expect(new Set(tick(5)[0])).toEqual(new Set([first, second]));
    expect(tick(7)).toEqual([]);
  });

  it("put nothing again into a block that merges one which holds it, however late its certificate", () => {
    const network = new SmallNetwork(4);
    network.runUntil(1_500);
    network.input(0, { kind: "transactions", transactions: [transaction(0)] });
    network.runUntil(2_100);
    // Three of four are cut off from voting, and still hear each other's blocks.
    network.votesAreLost = true;
    network.runUntil(12_000);
    const holders = Array.from(
      { length: 12 },
      (_, tick) => network.nodes[0]?.blocksOfTick(tick) ?? [],
    ).flat();
    expect(holders.filter((block) => isWhole(block) && block.transactions.length > 0)).toHaveLength(1);
    network.votesAreLost = false;
    network.runUntil(20_000);
    expect(network.ordered[3]).toEqual(["0-0"]);
  });

  it("merge all that can be merged together, whatever else cannot", () => {
    const node = new HonorNode(settings(0, 4, { ...LONG_PAST, mergeDepth: 10 }));
    node.start([], 0);
    const send = (block: DagBlock): string => {
      const packet = { kind: "block", block } as const;
      node.handle({ kind: "packet", from: account(1), packet }, 16 * TICK_MS);
      return blockId(block);
    };
    const made = (seat: number, tick: number, parent: string): string =>
      send(signed(seat, { setNumber: 0, seat, tick, parents: [parent], transactions: [] }));
    let top = "genesis";
    for (let tick = 1; tick <= 14; tick++) top = made(1, tick, top);
    const tooOld = made(3, 1, "genesis");
    const tips = [1, 2].map((seat) => made(seat, 15, top));
    expect(new Set(node.tips)).toEqual(new Set([...tips, tooOld]));
    const outputs = node.handle({ kind: "timer", timer: { kind: "tick" } }, 16 * TICK_MS);
    const own = outputs.flatMap((output) =>
      output.kind === "persist" && output.entry.kind === "block" ? [output.entry.block] : [],
    );
    expect(own).toHaveLength(1);
    expect(new Set(own[0]?.parents)).toEqual(new Set(tips));
  });
});
