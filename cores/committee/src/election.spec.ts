import { describe, expect, it } from "vitest";
import { candidate, honorSet, member } from "../test/sample-sets.js";
import { DEFAULT_CHAIN_TIME, firstTickOfCycle } from "./chain-time.js";
import { type Candidate, type ElectionRules, rankedElection, stakeElection } from "./election.js";
import { nextHonorSet } from "./succession.js";

const rules: ElectionRules = { seats: 6, minimumStakeWei: 10_000n, hysteresisBps: 500, immunityCycles: 1 };
const sitting = honorSet(6);
const elect = (candidates: Candidate[], changes: Partial<ElectionRules> = {}, cycle = 10) =>
  rankedElection.elect({ cycle, sitting, candidates, rules: { ...rules, ...changes }, keepsSeats: false });
const seated = (count: number, changes: Partial<Candidate> = {}): Candidate[] =>
  Array.from({ length: count }, (_, index) => candidate(index, { sittingSinceCycle: 0, ...changes }));
const accounts = (members: readonly { account: string }[]): string[] => members.map(({ account }) => account);

/** What every election does: `honorElectionConformance` of the testkit. */
describe("election", () => {
  it("ranks by stake where nothing else is known", () => {
    const rich = candidate(9, { stakeWei: 50_000n, score: 0n });
    const candidates = [...Array.from({ length: 6 }, (_, index) => candidate(index)), rich];
    const request = { cycle: 1, sitting, candidates, rules, keepsSeats: false };
    expect(stakeElection.elect(request).members[0]?.account).toBe(rich.account);
    expect(accounts(rankedElection.elect(request).members)).not.toContain(rich.account);
  });

  it("shrinks to the largest set that can be filled, and keeps the sitting one when none can", () => {
    const standing = (count: number) => Array.from({ length: count }, (_, index) => candidate(index));
    expect(elect(standing(14), { seats: 21 }).members).toHaveLength(12);
    expect(elect(standing(20), { seats: 21 }).members).toHaveLength(18);
    expect(elect(standing(4), { seats: 4 }).members).toHaveLength(4);
    const vacant = elect(standing(5), { seats: 21 });
    expect(vacant).toMatchObject({ isVacant: true, members: sitting.members });
  });

  it("of too few for any set gives those without a deposit's seats to whoever has one, the guilty's first", () => {
    const stays = (index: number, changes: Partial<Candidate> = {}) =>
      candidate(index, { sittingSinceCycle: 0, ...changes });
    const poor = stays(1, { stakeWei: 0n });
    const renewed = stays(3, { publicKey: "ef".repeat(48) });
    const [first, second] = [candidate(20, { score: 9n }), candidate(21, { score: 8n })];
    // The member of seat 4 is convicted: it stands no more. Seats 0, 2 and 5 are suspended.
    const rest = [0, 2, 5].map((index) => stays(index, { isSuspended: true }));
    const of = (...fresh: Candidate[]) => elect([poor, renewed, ...rest, ...fresh], { seats: 6 });
    const seats = (...changed: readonly [number, Candidate][]) =>
      sitting.members.map(({ account, publicKey }, seat) => {
        const at = new Map([[3, renewed], ...changed]).get(seat);
        return { account: at?.account ?? account, publicKey: at?.publicKey ?? publicKey };
      });
    expect(of()).toMatchObject({ isVacant: true, members: seats() });
    expect(of(first).members).toEqual(seats([4, first]));
    expect(of(second, first).members).toEqual(seats([4, first], [0, second]));
    // One controller gets no more seats than in any set of that size.
    const same = { ...second, controller: first.controller };
    expect(of(first, same).members).toEqual(seats([4, first]));
    expect(of(first, same).notElected.get(same.account)).toBe("controller-limit");
    const seated = of(first, second);
    expect(seated.notElected.get(poor.account)).toBeUndefined();
  });
});

describe("succession", () => {
  const time = { ...DEFAULT_CHAIN_TIME, genesisTimeMs: 0 };
  const newCycle = firstTickOfCycle(time, 1);
  const input = { time, sitting, parentTick: newCycle - 2, tick: newCycle - 1, candidates: seated(6), rules };
  const challenger = candidate(9, { score: 1_000n });

  it("changes the set at the first checkpoint of a learning cycle, and not between", () => {
    const candidates = [...seated(6), challenger];
    expect(nextHonorSet({ ...input, candidates }, rankedElection)).toBe(sitting);
    const next = nextHonorSet({ ...input, candidates, tick: newCycle + 3 }, rankedElection);
    expect(next.number).toBe(1);
    expect(accounts(next.members)).toContain(challenger.account);
    const later = { ...input, sitting: next, candidates, parentTick: newCycle + 3, tick: newCycle + 4 };
    expect(nextHonorSet(later, rankedElection)).toBe(next);
  });

  it("replaces an evicted member at once, and nobody else", () => {
    const evicted = seated(6).map((each, index) => (index === 2 ? { ...each, isSuspended: true } : each));
    const stronger = Array.from({ length: 4 }, (_, index) => candidate(20 + index, { score: 9_999n }));
    const next = nextHonorSet({ ...input, candidates: [...evicted, ...stronger] }, stakeElection);
    const stayed = accounts(next.members).filter((account) => accounts(sitting.members).includes(account));
    expect(stayed).toHaveLength(5);
    expect(accounts(next.members)).not.toContain(member(2).account);
    expect(accounts(next.members)).toContain(member(20).account);
  });

  it("replaces a member that is no candidate any more", () => {
    const convicted = [...seated(6).slice(1), candidate(20)];
    const next = nextHonorSet({ ...input, candidates: convicted }, stakeElection);
    expect(new Set(accounts(next.members))).toEqual(new Set(accounts(convicted)));
  });

  it("leaves the set as it is when nobody could replace it, or when the election finds the same", () => {
    expect(nextHonorSet({ ...input, tick: newCycle, candidates: seated(6) }, stakeElection)).toBe(sitting);
    const jailed = seated(6, { isSuspended: true });
    expect(nextHonorSet({ ...input, candidates: jailed }, stakeElection)).toBe(sitting);
    expect(nextHonorSet({ ...input, candidates: seated(5) }, stakeElection)).toBe(sitting);
    expect(nextHonorSet({ ...input, candidates: [] }, stakeElection)).toBe(sitting);
    const convicted = [...seated(6, { isSuspended: true }).slice(1), candidate(20)];
    const next = nextHonorSet({ ...input, candidates: convicted }, stakeElection);
    expect(accounts(next.members)).toEqual([20, 1, 2, 3, 4, 5].map((index) => member(index).account));
  });
});
