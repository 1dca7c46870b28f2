import type { ChainBase } from "./chain-base.js";
import type { NodeContext } from "./node-context.js";

/** The DAG is pruned when it has grown by this part of the pruning depth, so that the cost is spread over the blocks. */
const GROWTH = 1 / 4;

/** Whether the DAG has grown enough since it was pruned last. */
export function isPruningDue({ dag, settings }: NodeContext, sizeBefore: number): boolean {
  const { pruningDepth } = settings.chain.ghostdag;
  return dag.size >= Math.max(sizeBefore, pruningDepth) + Math.ceil(pruningDepth * GROWTH);
}

/** The first height whose decision the leaders' turns after a height depend on. */
export function firstRemembered(height: number, reputationWindow: number): number {
  return Math.max(1, height - reputationWindow);
}

/**
 * The base for a settled height, whose state is known: the pruning point below its tip, and the first height whose tip
 * descends from that point. Decisions are kept from there on, and as far back as leaders' turns depend on. Cost: the
 * chain blocks up to the pruning point.
 */
export function baseAt({ dag, chain, settings }: NodeContext, settled: number): ChainBase {
  const root = dag.pruningPoint(chain.tipOf(settled));
  let low = chain.firstHeight - 1;
  let high = settled;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const tip = chain.tipOf(middle);
    if (dag.has(tip) && dag.isAncestor(root, tip)) high = middle;
    else low = middle + 1;
  }
  const history = firstRemembered(settled, settings.chain.reputationWindow);
  const firstDecision = Math.max(chain.firstHeight, Math.min(high, history));
  return { root, height: high, firstDecision, reigns: chain.reignsAt(firstDecision) };
}
