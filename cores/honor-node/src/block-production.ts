import { chainTimeOf, startOfTickMs } from "@aios/core-committee/chain-time";
import { groupOf, seatsOfGroup } from "@aios/core-committee/honor-set";
import { seatForSender } from "@aios/core-committee/mempool-split";
import { hexToBytes } from "@noble/hashes/utils.js";
import { GENESIS_BLOCK } from "./block-dag.js";
import { blockFault } from "./block-rules.js";
import { blockClaimBytes, type DagBlock, type OrderedTransaction, type UnsignedBlock } from "./dag-block.js";
import type { NodeContext } from "./node-context.js";

/** Rotations after which a transaction in an unmerged block is put into another. */
const PATIENCE_ROTATIONS = 1;

/** The block of a tick, if this node has duty; sets the timer for the next tick. Signed; not in the DAG yet. */
export function makeBlock(context: NodeContext): DagBlock | undefined {
  const { settings, nowMs, tick, seat, chain } = context;
  const { time } = settings.chain;
  context.timer({ kind: "tick" }, Math.max(1, startOfTickMs(time, tick + 1) - nowMs));
  if (seat === undefined || tick < 1) return undefined;
  const { set } = chain.reign;
  const isOwn = (block: DagBlock): boolean => block.seat === seat && block.setNumber === set.number;
  if (context.dag.entriesOfTick(tick).some(({ block }) => isOwn(block))) return undefined;
  for (const parents of parentChoices(context)) {
    const bare = { setNumber: set.number, seat, tick, parents, transactions: [] };
    if (fault(context, bare) !== undefined) continue;
    const block = { ...bare, transactions: chooseTransactions(context, seat, tick) };
    return { ...block, signature: settings.sign(blockClaimBytes(settings.chain.chainId, block)) };
  }
  return undefined;
}

function fault(context: NodeContext, block: UnsignedBlock): string | undefined {
  return blockFault(block, context.ruleContext) ?? context.dag.mergeFault(block.parents);
}

/** All tips, then fewer: blocks that cannot be merged together must not keep a node from its duty. */
function* parentChoices({ dag, chain, settings }: NodeContext): Generator<string[]> {
  const tips = dag.tips.slice(0, settings.chain.ghostdag.maxParents);
  const withDecided = (parents: readonly string[]): string[] =>
    !dag.has(chain.tip) || parents.some((parent) => dag.isAncestor(chain.tip, parent))
      ? [...parents]
      : [chain.tip, ...parents.slice(0, settings.chain.ghostdag.maxParents - 1)];
  yield withDecided(tips);
  for (const tip of tips) yield withDecided([tip]);
  yield [dag.has(chain.tip) ? chain.tip : GENESIS_BLOCK];
}

function chooseTransactions(
  { chain, pool, settings }: NodeContext,
  seat: number,
  tick: number,
): OrderedTransaction[] {
  const { time } = settings.chain;
  const size = chain.reign.set.members.length;
  const seats = seatsOfGroup(size, groupOf(size, seat));
  const { slot } = chainTimeOf(time, tick);
  const takes = (sender: string): boolean => seatForSender(hexToBytes(sender.slice(2)), slot, seats) === seat;
  const patience = PATIENCE_ROTATIONS * time.ticksPerSlot * (size / seats.length);
  return pool.choose(takes, tick - patience, settings.maxTransactionsPerBlock);
}
