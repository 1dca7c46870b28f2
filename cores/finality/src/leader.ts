/** A decided height as the choice of leaders sees it: agreed by everybody, since it is part of the next checkpoint. */
export interface DecidedRound {
  readonly height: number;
  /** Round in which it was certified. */
  readonly round: number;
}

/**
 * Leader of a round: the set in rotation by height and round; in the first n rounds without those who `lostTurns`.
 * Later everybody has a turn again: a locked node may be the only one whose proposal all honest nodes can accept.
 * O(n); `lostTurns` holds fewer than all.
 */
export function leaderOf(
  size: number,
  height: number,
  round: number,
  lostTurns: ReadonlySet<number>,
): number {
  if (round >= size) return (height + round) % size;
  const candidates: number[] = [];
  for (let node = 0; node < size; node++) if (!lostTurns.has(node)) candidates.push(node);
  return candidates[(height + round) % candidates.length] as number;
}

/**
 * The nodes that lose their turns at the height after `history` (oldest first, successive heights): those that led a
 * round which decided nothing, the latest first, at most `limit` (f of the set) of them. `history` is the agreed
 * window, by whose end a failure is forgotten.
 */
export function lostTurnsAfter(size: number, history: readonly DecidedRound[], limit: number): Set<number> {
  const failures: number[] = [];
  let lost = new Set<number>();
  for (const { height, round } of history) {
    for (let failed = 0; failed < round; failed++) failures.push(leaderOf(size, height, failed, lost));
    lost = new Set();
    for (let i = failures.length - 1; i >= 0 && lost.size < limit; i--) lost.add(failures[i] as number);
  }
  return lost;
}
