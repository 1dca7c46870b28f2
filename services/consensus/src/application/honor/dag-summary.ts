import { blockId, type DagBlock } from "@aios/core-honor-node/dag-block";
import type { BlockSummary } from "../../domain/honor-ports.js";

/** What one answer holds at most. */
const MAX_BLOCKS = 4_096;
const MAX_TRANSACTIONS = 131_072;

/** The blocks of the ticks from `from` to `to`, inclusive, without payloads; undefined where they are too much for one answer. */
export function dagSummary(
  blocksOfTick: (tick: number) => readonly DagBlock[],
  from: number,
  to: number,
): readonly BlockSummary[] | undefined {
  const out: BlockSummary[] = [];
  let transactions = 0;
  for (let tick = from; tick <= to; tick++)
    for (const block of blocksOfTick(tick)) {
      transactions += block.transactions.length;
      if (out.length >= MAX_BLOCKS || transactions > MAX_TRANSACTIONS) return undefined;
      out.push({ ...block, id: blockId(block), transactions: block.transactions.map(({ id }) => id) });
    }
  return out;
}
