import { type ChainTimeParameters, chainTimeOf } from "./chain-time.js";
import { groupCount, groupOf } from "./honor-set.js";

/**
 * Whether a block of a group, made in a tick, is known. For a block that is judged it is asked of the block's own past,
 * so that every node judges alike whenever it sees the block; for a node's own duty, of all that it holds.
 */
export type HeardGroup = (tick: number, group: number) => boolean;

/**
 * The group on duty in a tick (slots rotate through the groups, a silent group is replaced by the next
 * from the following tick).
 *
 * A group that had duty in a tick and was not heard is passed over until the rotation ends, so that groups which are
 * down cost one tick each in a rotation. When all have been passed over, all have their turns again. The past of a block
 * can hide what its maker heard: then two groups make blocks in one tick, which costs bandwidth and nothing else.
 *
 * Cost: O(groups² · ticksPerSlot) at worst, O(groups · ticksPerSlot) with few silent groups.
 */
export function groupOnDuty(
  parameters: ChainTimeParameters,
  size: number,
  tick: number,
  heard: HeardGroup,
): number {
  const groups = groupCount(size);
  const firstTick = rotationStart(parameters, size, tick);
  const silent = new Set<number>();
  for (let earlier = firstTick; earlier < tick; earlier++) {
    const group = firstNotIn(silent, scheduledGroup(parameters, groups, earlier), groups);
    if (heard(earlier, group)) continue;
    silent.add(group);
    if (silent.size === groups) silent.clear();
  }
  return firstNotIn(silent, scheduledGroup(parameters, groups, tick), groups);
}

/** First tick of the rotation that a tick is in: who has duty depends on what was heard from there on, and on nothing before. */
export function rotationStart(parameters: ChainTimeParameters, size: number, tick: number): number {
  const { slot } = chainTimeOf(parameters, tick);
  return (slot - (slot % groupCount(size))) * parameters.ticksPerSlot;
}

/** Whether a seat may make a block in a tick. Throws as `groupOnDuty`. */
export function isOnDuty(
  parameters: ChainTimeParameters,
  size: number,
  seat: number,
  tick: number,
  heard: HeardGroup,
): boolean {
  return groupOf(size, seat) === groupOnDuty(parameters, size, tick, heard);
}

function scheduledGroup(parameters: ChainTimeParameters, groups: number, tick: number): number {
  return chainTimeOf(parameters, tick).slot % groups;
}

function firstNotIn(silent: ReadonlySet<number>, scheduled: number, groups: number): number {
  let group = scheduled;
  while (silent.has(group)) group = (group + 1) % groups;
  return group;
}
