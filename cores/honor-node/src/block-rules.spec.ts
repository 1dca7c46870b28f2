import { describe, expect, it } from "vitest";
import { honorSet, settings, TICK_MS } from "../test/small-network.js";
import { BlockDag, GENESIS_BLOCK } from "./block-dag.js";
import { type BlockRuleContext, blockFault } from "./block-rules.js";
import { CheckpointChain } from "./checkpoint-chain.js";
import { blockId, type DagBlock } from "./dag-block.js";

const { chain } = settings(0, 6);
const block = (seat: number, tick: number, parents: string[]): DagBlock => ({
  setNumber: 0,
  seat,
  tick,
  parents,
  transactions: [],
  signature: "",
});

/** Six seats in two groups, the even and the odd ones, of two ticks each: a rotation is four ticks. */
function held(dag: BlockDag): BlockRuleContext {
  return {
    time: chain.time,
    dag,
    chain: new CheckpointChain(chain.genesisSet, chain.genesis),
    nowMs: 100 * TICK_MS,
    clockToleranceMs: 0,
    maxParents: 4,
    maxBlockBytes: 1_000,
    maxBlockGas: 1_000,
  };
}
const newDag = (): BlockDag =>
  new BlockDag(chain.ghostdag, () => undefined, { maxBlocks: 10, maxBytes: 10_000 });

describe("whose duty a tick was", () => {
  it("is told by who was heard in its rotation", () => {
    expect(honorSet(6).members).toHaveLength(6);
    const dag = newDag();
    const context = held(dag);
    const first = block(0, 4, [GENESIS_BLOCK]);
    expect(blockFault(block(2, 5, [GENESIS_BLOCK]), context)).toBe("off-duty");
    dag.insert(first);
    expect(blockFault(block(2, 5, [blockId(first)]), context)).toBeUndefined();
  });

  it("is told of nobody where that rotation began before what is held, so that nobody is blamed", () => {
    const all = newDag();
    const [before, root] = [
      block(0, 4, [GENESIS_BLOCK]),
      block(2, 5, [blockId(block(0, 4, [GENESIS_BLOCK]))]),
    ];
    all.insert(before);
    all.insert(root);
    const late = block(4, 5, [blockId(root)]);
    const next = block(0, 8, [blockId(root)]);
    for (const one of [late, next]) expect(blockFault(one, held(all))).toBeUndefined();
    const pruned = newDag();
    pruned.resume(blockId(root));
    pruned.restore(root, all.colouring(blockId(root)));
    expect(blockFault(late, held(pruned))).toBe("below-pruning-point");
    expect(blockFault(next, held(pruned))).toBeUndefined();
  });
});
