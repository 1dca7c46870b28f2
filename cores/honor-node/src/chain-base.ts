import type { HonorSet } from "@aios/core-committee/honor-set";

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
