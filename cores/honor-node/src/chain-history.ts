import type { DagBlock } from "./dag-block.js";
import type { Decision } from "./node-protocol.js";

/** What was written down earlier and is not held in memory any more. */
export interface ChainHistory {
  /** A block whole; undefined where it is unknown or its transactions are gone. */
  block(id: string): DagBlock | undefined;
  /** Whether `block` gives it. */
  hasBlock(id: string): boolean;
  decision(height: number): Decision | undefined;
  /** The blocks that a height ordered, in order. */
  order(height: number): readonly string[] | undefined;
}

/** Of a node that keeps nothing but what it holds. */
export const NO_HISTORY: ChainHistory = {
  block: () => undefined,
  hasBlock: () => false,
  decision: () => undefined,
  order: () => undefined,
};
