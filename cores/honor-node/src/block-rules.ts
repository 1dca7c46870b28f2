import { type ChainTimeParameters, startOfTickMs } from "@aios/core-committee/chain-time";
import { type HeardGroup, isOnDuty } from "@aios/core-committee/duty";
import { groupOf } from "@aios/core-committee/honor-set";
import type { BlockDag } from "./block-dag.js";
import type { CheckpointChain } from "./checkpoint-chain.js";
import type { UnsignedBlock } from "./dag-block.js";

export interface BlockRuleContext {
  readonly time: ChainTimeParameters;
  readonly dag: BlockDag;
  readonly chain: CheckpointChain;
  readonly nowMs: number;
  readonly clockToleranceMs: number;
}

/**
 * Why a block whose parents are in the DAG may not follow them; undefined when it may. But for the clock and the sets that
 * are known, the answer depends on the block's past alone, so that all nodes come to it.
 *
 * Blocks of an earlier set are accepted: whether they are worth sending is not a matter of validity.
 */
export function blockFault(block: UnsignedBlock, context: BlockRuleContext): string | undefined {
  const { time, dag, chain, nowMs, clockToleranceMs } = context;
  const reign = chain.reignOf(block.setNumber);
  if (reign === undefined) return "set-unknown";
  if (startOfTickMs(time, block.tick) > nowMs + clockToleranceMs) return "tick-in-future";
  if (block.tick < reign.fromTick) return "tick-before-set";
  if (block.parents.some((parent) => dag.tickOf(parent) > block.tick)) return "tick-before-parent";
  const isInPast = (id: string): boolean => block.parents.some((parent) => dag.isAncestor(id, parent));
  for (const { id, block: earlier } of dag.entriesOfTick(block.tick))
    if (earlier.seat === block.seat && earlier.setNumber === block.setNumber && isInPast(id))
      return "second-of-tick";
  const heard = heardIn(context, block.setNumber, isInPast);
  const size = reign.set.members.length;
  return isOnDuty(time, size, block.seat, block.tick, heard) ? undefined : "off-duty";
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
