import { CodedError } from "@aios/kernel/coded-error";
import { GROUP_SIZE, type HonorMember, type HonorSet, isSetSize, SMALLEST_SET } from "./honor-set.js";

/** Who stands for a seat, as the state of the attested checkpoint says. */
export interface Candidate extends HonorMember {
  /** Account that controls the stake: its candidates share one limit of seats. */
  readonly controller: string;
  readonly stakeWei: bigint;
  /** What candidates are ranked by, not negative: the stake now, the contribution level later. */
  readonly score: bigint;
  /** Jailed, unbonding or slashed. */
  readonly isSuspended: boolean;
  /** First learning cycle of its present, uninterrupted time in the set; undefined when it has no seat. */
  readonly sittingSinceCycle: number | undefined;
}

/** Rules of the election; genesis or DAO parameters. */
export interface ElectionRules {
  /** Seats to fill: a multiple of three from 6 up, or 4. */
  readonly seats: number;
  readonly minimumStakeWei: bigint;
  /** A challenger takes a seat only with a score this much higher than the sitting node's, in 1/10,000. */
  readonly hysteresisBps: number;
  /** For so many cycles a newcomer cannot lose its seat to a higher score. */
  readonly immunityCycles: number;
}

export interface ElectionRequest {
  /** The learning cycle that begins. */
  readonly cycle: number;
  readonly sitting: HonorSet;
  readonly candidates: readonly Candidate[];
  readonly rules: ElectionRules;
  /** Between cycles: whoever sits and is eligible stays, only empty seats are filled. */
  readonly keepsSeats: boolean;
}

/** Why a candidate has no seat. */
export type NotElected = "suspended" | "below-minimum-stake" | "controller-limit" | "outranked";

export interface ElectionResult {
  readonly members: readonly HonorMember[];
  /** By account, everybody who stood and was not elected. */
  readonly notElected: ReadonlyMap<string, NotElected>;
  /** Fewer are eligible than the smallest set needs: the sitting members stay that nobody eligible can replace. */
  readonly isVacant: boolean;
}

/**
 * Chooses the honor set. Pure: every node that holds the same state computes the same members in the same order. The
 * set comes from the staking contract now (`stakeElection`); contribution levels replace the score, not the port.
 */
export interface HonorElection {
  /** Throws `invalid-election` for rules or candidates that cannot be. */
  elect(request: ElectionRequest): ElectionResult;
}

const BPS = 10_000n;

/**
 * Eligible are those with the minimum stake who are not suspended, ranked by score, sitting nodes with the hysteresis on
 * top and newcomers within their immunity first. Equal ranks go to the sitting node, then to the lower account.
 *
 * Of one controller at most f = ⌊(n−1)/3⌋ are elected. A whole third would allow one more, with which a single
 * controller could stop finality.
 *
 * With fewer eligible candidates than seats the largest set that they fill is elected. Members are in order of rank, so
 * that groups (`groupOf`) mix high and low ranks. Cost: O(c log c) for c candidates.
 */
export const rankedElection: HonorElection = { elect };

/** `rankedElection` with the stake for score: beyond it nothing is known of a node before the first levels. */
export const stakeElection: HonorElection = {
  elect: (request) =>
    elect({
      ...request,
      candidates: request.candidates.map((candidate) => ({ ...candidate, score: candidate.stakeWei })),
    }),
};

function elect(request: ElectionRequest): ElectionResult {
  requireRequest(request);
  const { rules, sitting } = request;
  const notElected = new Map<string, NotElected>();
  const eligible = request.candidates.filter((candidate) => {
    const reason = ineligibility(candidate, rules);
    if (reason !== undefined) notElected.set(candidate.account, reason);
    return reason === undefined;
  });
  const ranked = rank(eligible, request);
  for (const seats of sizesUpTo(Math.min(rules.seats, ranked.length))) {
    const seated = fill(ranked, seats);
    if (seated === undefined) continue;
    for (const [account, reason] of seated.notElected) notElected.set(account, reason);
    return { members: seated.members, notElected, isVacant: false };
  }
  const members = substituted(sitting.members, ranked, notElected);
  for (const { account } of members) notElected.delete(account);
  return { members, notElected, isVacant: true };
}

/**
 * The sitting members, each eligible one with its present key, the seats of those who are not eligible given to the eligible
 * that have none, by rank: first the seats of members who stand no more, whose deposits are gone.
 */
function substituted(
  sitting: readonly HonorMember[],
  ranked: readonly Candidate[],
  notElected: Map<string, NotElected>,
): HonorMember[] {
  const limit = Math.floor((sitting.length - 1) / 3);
  const eligible = new Map(ranked.map((candidate) => [candidate.account, candidate]));
  const members = sitting.map((member) => memberOf(eligible.get(member.account) ?? member));
  const isFree = ({ account }: HonorMember): boolean => !eligible.has(account);
  const seats = [...sitting.keys()].filter((seat) => isFree(sitting[seat] as HonorMember));
  const stands = (seat: number): number => (notElected.has(sitting[seat]?.account ?? "") ? 1 : 0);
  seats.sort((a, b) => stands(a) - stands(b) || a - b);
  const isSitting = new Set(sitting.map(({ account }) => account));
  const ofController = new Map<string, number>();
  const count = (controller: string): number => ofController.get(controller) ?? 0;
  for (const { account, controller } of ranked)
    if (isSitting.has(account)) ofController.set(controller, count(controller) + 1);
  for (const candidate of ranked) {
    const { account, controller } = candidate;
    if (isSitting.has(account)) continue;
    const seat = count(controller) < limit ? seats.shift() : undefined;
    if (seat === undefined)
      notElected.set(account, count(controller) < limit ? "outranked" : "controller-limit");
    else {
      members[seat] = memberOf(candidate);
      ofController.set(controller, count(controller) + 1);
    }
  }
  return members;
}

function memberOf({ account, publicKey }: HonorMember): HonorMember {
  return { account, publicKey };
}

function ineligibility(candidate: Candidate, rules: ElectionRules): NotElected | undefined {
  if (candidate.isSuspended) return "suspended";
  if (candidate.stakeWei < rules.minimumStakeWei) return "below-minimum-stake";
  return undefined;
}

function rank(candidates: readonly Candidate[], request: ElectionRequest): Candidate[] {
  const { cycle, rules, keepsSeats } = request;
  const isImmune = ({ sittingSinceCycle: since }: Candidate): boolean =>
    since !== undefined && (keepsSeats || cycle - since < rules.immunityCycles);
  const weight = ({ score, sittingSinceCycle }: Candidate): bigint =>
    score * (sittingSinceCycle === undefined ? BPS : BPS + BigInt(rules.hysteresisBps));
  const entries = candidates.map((candidate) => ({
    candidate,
    immune: isImmune(candidate) ? 0 : 1,
    weight: weight(candidate),
    sitting: candidate.sittingSinceCycle === undefined ? 1 : 0,
  }));
  entries.sort((a, b) => {
    if (a.immune !== b.immune) return a.immune - b.immune;
    if (a.weight !== b.weight) return a.weight > b.weight ? -1 : 1;
    if (a.sitting !== b.sitting) return a.sitting - b.sitting;
    return a.candidate.account < b.candidate.account ? -1 : 1;
  });
  return entries.map(({ candidate }) => candidate);
}

/** Sizes that a set of at most `most` members may have, largest first. */
function* sizesUpTo(most: number): Generator<number> {
  if (isSetSize(most)) yield most;
  for (let size = most - (most % GROUP_SIZE); size >= SMALLEST_SET; size -= GROUP_SIZE)
    if (size !== most) yield size;
}

function fill(
  ranked: readonly Candidate[],
  seats: number,
): { members: HonorMember[]; notElected: Map<string, NotElected> } | undefined {
  const limit = Math.floor((seats - 1) / 3);
  const ofController = new Map<string, number>();
  const members: HonorMember[] = [];
  const notElected = new Map<string, NotElected>();
  for (const { account, publicKey, controller } of ranked) {
    const taken = ofController.get(controller) ?? 0;
    if (members.length === seats) notElected.set(account, "outranked");
    else if (taken >= limit) notElected.set(account, "controller-limit");
    else {
      members.push({ account, publicKey });
      ofController.set(controller, taken + 1);
    }
  }
  return members.length === seats ? { members, notElected } : undefined;
}

function requireRequest({ candidates, rules }: ElectionRequest): void {
  if (!isSetSize(rules.seats)) throw invalid("rules.seats", "Seats are a multiple of three from 6 up, or 4.");
  for (const field of ["hysteresisBps", "immunityCycles"] as const)
    if (!Number.isSafeInteger(rules[field]) || rules[field] < 0)
      throw invalid(`rules.${field}`, `${field} is a whole number from 0.`);
  const seen = new Set<string>();
  for (const [index, { account, publicKey, score, stakeWei }] of candidates.entries()) {
    if (seen.has(account) || seen.has(publicKey))
      throw invalid(`candidates.${index}`, "An account or key stands twice.");
    if (score < 0n || stakeWei < 0n)
      throw invalid(`candidates.${index}.score`, "Stake and score are not negative.");
    seen.add(account).add(publicKey);
  }
}

function invalid(field: string, message: string): CodedError {
  return new CodedError({ code: "invalid-election", kind: "invalid", field, message });
}
