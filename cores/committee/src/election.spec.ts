import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { candidate, honorSet, member } from "../test/sample-sets.js";
import { DEFAULT_CHAIN_TIME, firstTickOfCycle } from "./chain-time.js";
import { type Candidate, type ElectionRules, rankedElection, stakeElection } from "./election.js";
import { isSetSize } from "./honor-set.js";
import { nextHonorSet } from "./succession.js";

const rules: ElectionRules = { seats: 6, minimumStakeWei: 10_000n, hysteresisBps: 500, immunityCycles: 1 };
const sitting = honorSet(6);
const elect = (candidates: Candidate[], changes: Partial<ElectionRules> = {}, cycle = 10) =>
  rankedElection.elect({ cycle, sitting, candidates, rules: { ...rules, ...changes }, keepsSeats: false });
const seated = (count: number, changes: Partial<Candidate> = {}): Candidate[] =>
  Array.from({ length: count }, (_, index) => candidate(index, { sittingSinceCycle: 0, ...changes }));
const accounts = (members: readonly { account: string }[]): string[] => members.map(({ account }) => account);

describe("election", () => {
  it("takes the highest scores of those who may stand, and says why the others may not", () => {
    const candidates = [
      ...Array.from({ length: 7 }, (_, index) => candidate(index, { score: BigInt(100 + index) })),
      candidate(7, { score: 999n, isSuspended: true }),
      candidate(8, { score: 999n, stakeWei: 9_999n }),
    ];
    const { members, notElected } = elect(candidates);
    expect(accounts(members)).toEqual(accounts([6, 5, 4, 3, 2, 1].map(member)));
    expect([...notElected]).toEqual([
      [member(7).account, "suspended"],
      [member(8).account, "below-minimum-stake"],
      [member(0).account, "outranked"],
    ]);
  });

  it("lets a challenger in only when it beats the sitting node by more than the hysteresis", () => {
    const against = (score: bigint) => elect([...seated(6), candidate(9, { score })]).members;
    expect(accounts(against(105n))).not.toContain(member(9).account);
    expect(accounts(against(106n))).toContain(member(9).account);
  });

  it("keeps a newcomer through its immunity", () => {
    const strong = Array.from({ length: 6 }, (_, index) => candidate(index + 10, { score: 1_000n }));
    const newcomer = candidate(0, { sittingSinceCycle: 9, score: 1n });
    expect(accounts(elect([newcomer, ...strong], { immunityCycles: 2 }).members)).toContain(newcomer.account);
    expect(accounts(elect([newcomer, ...strong]).members)).not.toContain(newcomer.account);
  });

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

  it("holds its rules for any candidates, in any order", () => {
    const candidates = fc
      .array(
        fc.record({
          controller: fc.integer({ min: 0, max: 8 }).map(String),
          stakeWei: fc.bigInt({ min: 9_990n, max: 10_050n }),
          score: fc.bigInt({ min: 0n, max: 20n }),
          isSuspended: fc.boolean(),
          sittingSinceCycle: fc.option(fc.integer({ min: 0, max: 10 }), { nil: undefined }),
        }),
        { maxLength: 40 },
      )
      .map((all) => all.map((changes, index) => candidate(index, changes)));
    fc.assert(
      fc.property(candidates, fc.constantFrom(4, 6, 9, 21), fc.nat(), (all, seats, shift) => {
        const result = elect(all, { seats });
        const turned = elect(
          [...all.slice(shift % (all.length || 1)), ...all.slice(0, shift % (all.length || 1))],
          {
            seats,
          },
        );
        expect(turned.members).toEqual(result.members);
        if (result.isVacant) return;
        expect(isSetSize(result.members.length)).toBe(true);
        expect(result.members.length).toBeLessThanOrEqual(seats);
        const byAccount = new Map(all.map((each) => [each.account, each]));
        const perController = new Map<string, number>();
        for (const { account } of result.members) {
          const { isSuspended, stakeWei, controller } = byAccount.get(account) as Candidate;
          expect(isSuspended || stakeWei < rules.minimumStakeWei).toBe(false);
          perController.set(controller, (perController.get(controller) ?? 0) + 1);
        }
        for (const count of perController.values())
          expect(count).toBeLessThanOrEqual(Math.floor((result.members.length - 1) / 3));
        expect(new Set(accounts(result.members)).size).toBe(result.members.length);
        expect(result.members.length + result.notElected.size).toBe(all.length);
      }),
    );
  });

  it("refuses rules and candidates that cannot be", () => {
    const refused: [() => unknown, string][] = [
      [() => elect([], { seats: 7 }), "rules.seats"],
      [() => elect([], { hysteresisBps: -1 }), "rules.hysteresisBps"],
      [() => elect([], { immunityCycles: 0.5 }), "rules.immunityCycles"],
      [() => elect([candidate(1), candidate(1)]), "candidates.1"],
      [() => elect([candidate(1, { score: -1n })]), "candidates.0.score"],
    ];
    for (const [run, field] of refused)
      expect(run).toThrow(expect.objectContaining({ code: "invalid-election", field }));
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
