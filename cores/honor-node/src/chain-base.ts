import type { HonorSet } from "@aios/core-committee/honor-set";
import type { DagBlock } from "./dag-block.js";
import type { Decision } from "./node-protocol.js";

/** A set and the span in which it decides. */
export interface Reign {
  readonly set: HonorSet;
  readonly fromHeight: number;
  /** Tick of the checkpoint that handed over to it. */
  readonly fromTick: number;
}

/** From where a node goes on whose history before was pruned, or never fetched. */
export interface ChainBase {
  /** The DAG's pruning point. */
  readonly root: string;
  /** The height up to which everything is ordered and executed; its tip descends from the root. */
  readonly height: number;
  /** The first height whose decision is kept; at most `height`. */
  readonly firstDecision: number;
  /** All sets up to that height, the first one's included: whoever made a block is known by its set. */
  readonly reigns: readonly Reign[];
}

/** What was written down earlier and is not held in memory any more. */
export interface ChainHistory {
  /** A block whole; undefined where it is unknown or its transactions are gone. */
  block(id: string): DagBlock | undefined;
  decision(height: number): Decision | undefined;
  /** The blocks that a height ordered, in order. */
  order(height: number): readonly string[] | undefined;
}

/** Of a node that keeps nothing but what it holds. */
export const NO_HISTORY: ChainHistory = {
  block: () => undefined,
  decision: () => undefined,
  order: () => undefined,
};
