import { chainTimeOf, startOfTickMs } from "@aios/core-committee/chain-time";
import { groupCount, groupOf, type HonorSet, seatsOfGroup } from "@aios/core-committee/honor-set";
import { seatForSender } from "@aios/core-committee/mempool-split";
import { hexToBytes } from "@noble/hashes/utils.js";
import { GENESIS_BLOCK } from "./block-dag.js";
import { blockFault } from "./block-rules.js";
import { type BlockFacts, blockClaimBytes, type DagBlock, type OrderedTransaction } from "./dag-block.js";
import type { NodeContext } from "./node-context.js";
import type { PoolPlace } from "./transaction-pool.js";

/** Rotations after which a transaction in an unmerged block is put into another. */
const PATIENCE_ROTATIONS = 1;
/** Rotations without a block after which the other duty nodes take over a seat's senders. */
const ABSENT_AFTER_ROTATIONS = 2;
/** Of the tips, best first; honest nodes leave fewer. */
const MAX_TIPS_TRIED = 64;

/**
 * The block of a tick, if this node has duty and a block is due; sets the timer for the next one. Signed; not in the DAG yet.
 *
 * The nodes of a group take turns within the tick, so that each block builds on the one before: blocks made at the same
 * instant would wait for the next tick to be merged, and their transactions with them. Nothing checks it: a block is
 * right at any moment of its tick.
 */
export function makeBlock(context: NodeContext): DagBlock | undefined {
  const { settings, nowMs, tick, seat, chain } = context;
  const { time } = settings.chain;
  const turnMs = startOfTickMs(time, tick) + turnInTickMs(context);
  const nextTurnMs = turnMs > nowMs ? turnMs : turnMs + time.tickMs;
  context.timer({ kind: "tick" }, Math.max(1, nextTurnMs - nowMs));
  if (seat === undefined || tick < 1 || turnMs > nowMs || !context.past.mayMakeBlock(tick)) return undefined;
  const { set } = chain.reign;
  const isOwn = (block: BlockFacts): boolean => block.seat === seat && block.setNumber === set.number;
  if (context.dag.entriesOfTick(tick).some(({ block }) => isOwn(block))) return undefined;
  const parents = chooseParents(context, tick);
  const bare = { setNumber: set.number, seat, tick, parents, transactions: [] };
  if (blockFault(bare, context.ruleContext) !== undefined) return undefined;
  const transactions = chooseTransactions(context, seat, tick, parents);
  if (transactions.length === 0 && maySitOut(context, seat, tick, parents)) return undefined;
  const block = { ...bare, transactions };
  return { ...block, signature: context.sign(blockClaimBytes(settings.chain.chainId, block)) };
}

/** When a seat's turn comes after the beginning of a tick. */
function turnInTickMs({ chain, seat, settings }: NodeContext): number {
  return seat === undefined ? 0 : startOfShare(chain.reign.set, seat, settings.chain.time.tickMs);
}

/** Where a seat's part begins of something that the seats of its group share. */
function startOfShare({ members }: HonorSet, seat: number, whole: number): number {
  const seats = seatsOfGroup(members.length, groupOf(members.length, seat));
  return Math.floor((seats.indexOf(seat) * whole) / seats.length);
}

/**
 * Whether a node with nothing to put into a block may leave it out, so that short ticks cost an idle network no more than
 * long ones. Only where one group is the whole set, since another would take the silent one's place. Tips that lie side by
 * side are merged at once: what one of them holds is ordered no sooner. Once a slot each node makes a block all the same, its
 * fellows in other ticks: it keeps its senders by that, and chain time goes on.
 */
function maySitOut(
  { chain, settings }: NodeContext,
  seat: number,
  tick: number,
  parents: readonly string[],
): boolean {
  const { set } = chain.reign;
  if (groupCount(set.members.length) > 1 || parents.length > 1) return false;
  const { ticksPerSlot } = settings.chain.time;
  return tick % ticksPerSlot !== startOfShare(set, seat, ticksPerSlot);
}

/**
 * The tips, best first, without those that cannot be merged with the ones before: they must not keep a node from its duty,
 * nor from merging the others. Always above the decided tip, where that is held.
 */
function chooseParents({ dag, chain, settings }: NodeContext, tick: number): string[] {
  const { maxParents } = settings.chain.ghostdag;
  const base = dag.has(chain.tip) ? chain.tip : GENESIS_BLOCK;
  const withBase = (tips: readonly string[]): string[] =>
    dag.has(base) && !tips.some((tip) => dag.isAncestor(base, tip)) ? [base, ...tips] : [...tips];
  const tips = dag.tips.filter((tip) => dag.tickOf(tip) <= tick).slice(0, MAX_TIPS_TRIED);
  const all = withBase(tips);
  if (all.length <= maxParents && dag.mergeFault(all) === undefined) return all;
  let merged: readonly string[] = [];
  for (const tip of tips) {
    const wider = [...merged, tip];
    const parents = withBase(wider);
    if (parents.length <= maxParents && dag.mergeFault(parents) === undefined) merged = wider;
  }
  return withBase(merged);
}

function chooseTransactions(
  context: NodeContext,
  seat: number,
  tick: number,
  parents: readonly string[],
): OrderedTransaction[] {
  const { chain, pool, settings } = context;
  const { time } = settings.chain;
  const size = chain.reign.set.members.length;
  const group = seatsOfGroup(size, groupOf(size, seat));
  const present = presentSeats(context, tick, ABSENT_AFTER_ROTATIONS * rotationTicks(context));
  const seats = group.filter((one) => one === seat || present === undefined || present.has(one));
  const { slot } = chainTimeOf(time, tick);
  const takes = (sender: string): boolean => seatForSender(hexToBytes(sender.slice(2)), slot, seats) === seat;
  return pool.choose(takes, heldUnder(context, tick, parents), {
    transactions: settings.maxTransactionsPerBlock,
    bytes: settings.chain.maxBlockBytes,
    gas: settings.chain.maxBlockGas,
  });
}

/**
 * Whether a block will have its transactions ordered, or is too new to tell: what the parents merge is, however long that
 * takes; what was pruned unordered never will be.
 */
export function heldUnder(
  context: NodeContext,
  tick: number,
  parents: readonly string[],
): (place: PoolPlace) => boolean {
  const { dag } = context;
  const sinceTick = tick - PATIENCE_ROTATIONS * rotationTicks(context);
  return (place) =>
    place.tick >= sinceTick ||
    (dag.has(place.block) && parents.some((parent) => dag.isAncestor(place.block, parent)));
}

/** Ticks after which each group has had its slot. */
function rotationTicks({ chain, settings }: NodeContext): number {
  const size = chain.reign.set.members.length;
  return settings.chain.time.ticksPerSlot * (size / seatsOfGroup(size, 0).length);
}

/** Seats with a block in the last `ticks`; undefined while the set is too new to tell. */
function presentSeats({ chain, dag }: NodeContext, tick: number, ticks: number): Set<number> | undefined {
  const { set, fromTick } = chain.reign;
  if (tick - ticks < fromTick) return undefined;
  const present = new Set<number>();
  for (let earlier = tick - ticks; earlier <= tick; earlier++)
    for (const { block } of dag.entriesOfTick(earlier))
      if (block.setNumber === set.number) present.add(block.seat);
  return present;
}
