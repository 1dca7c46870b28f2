import { type ChainTimeParameters, startOfTickMs } from "@aios/core-committee/chain-time";
import { type HeardGroup, isOnDuty } from "@aios/core-committee/duty";
import { groupOf } from "@aios/core-committee/honor-set";
import type { BlockDag } from "./block-dag.js";
import type { CheckpointChain } from "./checkpoint-chain.js";
import type { UnsignedBlock } from "./dag-block.js";

/** Another group has duty in the tick, by the block's own past. */
export const OFF_DUTY = "off-duty";

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

/** Why a block may not be in the DAG whatever its parents are; undefined when it may as far as it shows itself. */
export function formFault(block: UnsignedBlock, context: BlockRuleContext): string | undefined {
  const { time, dag, chain, nowMs, clockToleranceMs, maxParents, maxBlockBytes, maxBlockGas } = context;
  const reign = chain.reignOf(block.setNumber);
  if (reign === undefined) return "set-unknown";
  if (startOfTickMs(time, block.tick) > nowMs + clockToleranceMs) return "tick-in-future";
  if (block.tick < reign.fromTick) return "tick-before-set";
  if (block.tick < dag.rootTick) return "below-pruning-point";
  if (block.parents.length === 0 || block.parents.length > maxParents) return "parent-count";
  if (payloadBytes(block) > maxBlockBytes) return "block-too-large";
  if (gasOf(block) > maxBlockGas) return "block-gas";
  return undefined;
}

/** The most gas that the transactions of a block may use together. */
export function gasOf({ transactions }: Pick<UnsignedBlock, "transactions">): number {
  return transactions.reduce((sum, { gasLimit }) => sum + gasLimit, 0);
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
export function blockFault(block: UnsignedBlock, context: BlockRuleContext): string | undefined {
  const fault = formFault(block, context);
  if (fault !== undefined) return fault;
  const { time, dag, chain } = context;
  if (block.parents.some((parent) => dag.tickOf(parent) > block.tick)) return "tick-before-parent";
  const isInPast = (id: string): boolean => block.parents.some((parent) => dag.isAncestor(id, parent));
  for (const { id, block: earlier } of dag.entriesOfTick(block.tick))
    if (earlier.seat === block.seat && earlier.setNumber === block.setNumber && isInPast(id))
      return "second-of-tick";
  const heard = heardIn(context, block.setNumber, isInPast);
  const size = chain.reignOf(block.setNumber)?.set.members.length ?? 0;
  return isOnDuty(time, size, block.seat, block.tick, heard) ? undefined : OFF_DUTY;
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
