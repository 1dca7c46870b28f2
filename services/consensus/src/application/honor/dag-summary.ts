import type { BlockColouring } from "@aios/core-ghostdag/ghostdag";
import { type BlockHeader, blockId, type DagBlock, isWhole } from "@aios/core-honor-node/dag-block";
import type { BlockSummary } from "../../domain/honor-ports.js";

/** What one answer holds at most. */
const MAX_BLOCKS = 4_096;
const MAX_TRANSACTIONS = 131_072;

/** The DAG that a node holds. */
export interface ShownDag {
  blocksOfTick(tick: number): readonly (DagBlock | BlockHeader)[];
  colouring(
    id: string,
  ): Pick<BlockColouring, "selectedParent" | "blueScore" | "mergesetBlues" | "mergesetReds">;
}

/** The blocks of the ticks from `from` to `to`, inclusive, without payloads; undefined where they are too much for one answer. */
export function dagSummary(dag: ShownDag, from: number, to: number): readonly BlockSummary[] | undefined {
  const out: BlockSummary[] = [];
  let transactions = 0;
  for (let tick = from; tick <= to; tick++)
    for (const block of dag.blocksOfTick(tick)) {
      const hashes = isWhole(block) ? block.transactions.map((transaction) => transaction.id) : [];
      transactions += hashes.length;
      if (out.length >= MAX_BLOCKS || transactions > MAX_TRANSACTIONS) return undefined;
      const id = blockId(block);
      const { selectedParent, blueScore, mergesetBlues, mergesetReds } = dag.colouring(id);
      const { setNumber, seat, parents, signature } = block;
      out.push({
        id,
        setNumber,
        seat,
        tick,
        parents,
        transactions: hashes,
        signature,
        selectedParent,
        blueScore,
        mergesetBlues,
        mergesetReds,
      });
    }
  return out;
}
