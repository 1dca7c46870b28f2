import { type ChainTimeParameters, chainTimeOf } from "./chain-time.js";
import type { Candidate, ElectionRules, HonorElection } from "./election.js";
import type { HonorSet } from "./honor-set.js";

/** What the next set depends on, all of it fixed by the checkpoint that is voted on and the state that it attests. */
export interface SuccessionInput {
  readonly time: ChainTimeParameters;
  readonly sitting: HonorSet;
  /** Tick of the checkpoint before, and of the one that is voted on. */
  readonly parentTick: number;
  readonly tick: number;
  readonly candidates: readonly Candidate[];
  readonly rules: ElectionRules;
}

/**
 * The set that decides the next height (it changes at most once a learning cycle, or when a member is
 * evicted). The checkpoint under vote names it, so that the certificate over that checkpoint, signed by the sitting set,
 * is the hand-over: there is no second vote that could contradict it.
 *
 * Between cycles a member that is suspended in the attested state, or no candidate any more, loses its seat to the next in
 * rank, while the others keep theirs whatever their score. Returns the sitting set itself when it stays. Cost: one election.
 */
export function nextHonorSet(input: SuccessionInput, election: HonorElection): HonorSet {
  const { time, sitting, parentTick, tick, candidates, rules } = input;
  const { cycle } = chainTimeOf(time, tick);
  const isNewCycle = cycle > chainTimeOf(time, parentTick).cycle;
  if (!isNewCycle && !hasEvicted(sitting, candidates)) return sitting;
  const result = election.elect({ cycle, sitting, candidates, rules, keepsSeats: !isNewCycle });
  if (isSame(sitting, result.members)) return sitting;
  return { number: sitting.number + 1, members: result.members };
}

/** Suspended, or gone from the state: whoever is convicted is no candidate any more. */
function hasEvicted(sitting: HonorSet, candidates: readonly Candidate[]): boolean {
  const standing = new Set(
    candidates.filter(({ isSuspended }) => !isSuspended).map(({ account }) => account),
  );
  return standing.size > 0 && sitting.members.some(({ account }) => !standing.has(account));
}

function isSame(sitting: HonorSet, members: HonorSet["members"]): boolean {
  return (
    sitting.members.length === members.length &&
    sitting.members.every(
      ({ account, publicKey }, seat) =>
        account === members[seat]?.account && publicKey === members[seat]?.publicKey,
    )
  );
}
