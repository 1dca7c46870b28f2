import type { DagBlock, OrderedTransaction } from "./dag-block.js";

/**
 * Puts the transactions of a checkpoint's set in order. The DAG has fixed the set, and GHOSTDAG gives the base order, in
 * which the blocks come; nonces are a hard constraint that execution puts on top of whatever a policy says, and what is
 * ordered twice counts where it comes first.
 *
 * Pure, and the same on every node of a chain: two policies on one chain are two histories, of which the checkpoint after
 * finds one to be wrong. A policy neither adds transactions nor leaves any out, and may see of a block all that its id
 * commits to, but not when or from whom it came.
 */
export interface OrderingPolicy {
  /** The transactions of the blocks; of several copies at least one. */
  order(blocks: readonly DagBlock[]): readonly OrderedTransaction[];
}

/** The base order as it is: block after block by GHOSTDAG, within a block as its maker put them. O(transactions). */
export const dagOrder: OrderingPolicy = {
  order: (blocks) => blocks.flatMap(({ transactions }) => transactions),
};
