import { type ChainTimeParameters, startOfTickMs } from "@aios/core-committee/chain-time";
import { type HeardGroup, isOnDuty, rotationStart } from "@aios/core-committee/duty";
import { groupOf } from "@aios/core-committee/honor-set";
import type { BlockDag } from "./block-dag.js";
import type { Reign } from "./chain-base.js";
import type { CheckpointChain } from "./checkpoint-chain.js";
import { type BlockFacts, gasOf, type UnsignedBlock } from "./dag-block.js";
import type { PacketFault } from "./packet-faults.js";

export interface BlockRuleContext {
  readonly time: ChainTimeParameters;
  readonly dag: BlockDag;
  readonly chain: CheckpointChain;
  readonly nowMs: number;
  readonly clockToleranceMs: number;
  readonly maxParents: number;
  /** Bytes of transactions in a block. */
  readonly maxBlockBytes: number;
  /** That its transactions may use together. */
  readonly maxBlockGas: number;
}

/** What of a block its header says. */
type Head = Omit<BlockFacts, "signature">;

/** Why a block may not be in the DAG whatever its parents are; undefined when it may as far as it shows itself. */
export function formFault(block: UnsignedBlock, context: BlockRuleContext): PacketFault | undefined {
  return headFault(block, context) ?? contentFault(block, context);
}

/** As `formFault`, without its transactions. */
export function headFault(block: Head, context: BlockRuleContext): PacketFault | undefined {
  const { time, dag, chain, nowMs, clockToleranceMs, maxParents } = context;
  const reign = chain.reignOf(block.setNumber);
  if (reign === undefined) return "set-unknown";
  if (startOfTickMs(time, block.tick) > nowMs + clockToleranceMs) return "tick-in-future";
  if (block.tick < reign.fromTick) return "tick-before-set";
  if (block.tick < dag.rootTick) return "below-pruning-point";
  if (block.parents.length === 0 || block.parents.length > maxParents) return "parent-count";
  return undefined;
}

function contentFault(
  block: UnsignedBlock,
  { maxBlockBytes, maxBlockGas }: BlockRuleContext,
): PacketFault | undefined {
  if (payloadBytes(block) > maxBlockBytes) return "block-too-large";
  if (gasOf(block) > maxBlockGas) return "block-gas";
  return undefined;
}

function payloadBytes({ transactions }: UnsignedBlock): number {
  return transactions.reduce((sum, { payload }) => sum + payload.length, 0);
}

/**
 * Why a block whose parents are in the DAG may not follow them; undefined when it may. But for the clock and the sets that
 * are known, the answer depends on the block's past alone, so that all nodes come to it.
 *
 * Blocks of an earlier set are accepted: whether they are worth sending is not a matter of validity.
 */
export function blockFault(block: UnsignedBlock, context: BlockRuleContext): PacketFault | undefined {
  const fault = formFault(block, context);
  if (fault !== undefined) return fault;
  const { time, dag, chain } = context;
  if (block.parents.some((parent) => dag.tickOf(parent) > block.tick)) return "tick-before-parent";
  if (hasRedundantParent(dag, block.parents)) return "redundant-parent";
  const isInPast = (id: string): boolean => block.parents.some((parent) => dag.isAncestor(id, parent));
  for (const { id, block: earlier } of dag.entriesOfTick(block.tick))
    if (earlier.seat === block.seat && earlier.setNumber === block.setNumber && isInPast(id))
      return "second-of-tick";
  const heard = heardIn(context, block.setNumber, isInPast);
  const { set, fromTick } = chain.reignOf(block.setNumber) as Reign;
  const size = set.members.length;
  // Who was heard before is forgotten: whose duty it was cannot be told any more.
  if (Math.max(fromTick, rotationStart(time, size, block.tick)) < dag.rootTick) return "below-pruning-point";
  return isOnDuty(time, size, block.seat, block.tick, heard) ? undefined : "off-duty";
}

/**
 * A parent that another one descends from says nothing, and may be so old that nodes have pruned it, at a time of their own:
 * a block that named it would be in the DAG of those alone who hold it still.
 */
function hasRedundantParent(dag: BlockDag, parents: readonly string[]): boolean {
  return parents.some((parent, at) =>
    parents.some((other, otherAt) => at !== otherAt && dag.isAncestor(parent, other)),
  );
}

function heardIn(
  { dag, chain }: BlockRuleContext,
  setNumber: number,
  isInPast: (id: string) => boolean,
): HeardGroup {
  const reign = chain.reignOf(setNumber);
  const size = reign?.set.members.length ?? 0;
  return (tick, group) =>
    tick <= (reign?.fromTick ?? 0) ||
    dag
      .entriesOfTick(tick)
      .some(
        ({ id, block }) =>
          block.setNumber === setNumber && groupOf(size, block.seat) === group && isInPast(id),
      );
}
