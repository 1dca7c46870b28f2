import type { Candidate, ElectionRequest, ElectionRules, HonorElection } from "@aios/core-committee/election";
import { type HonorSet, isSetSize } from "@aios/core-committee/honor-set";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

export interface HonorElectionUnderTest {
  readonly election: HonorElection;
  /** The candidate with what this election ranks by; it keeps a stake of at least `rank`. */
  withRank(candidate: Candidate, rank: bigint): Candidate;
}

const MINIMUM = 10_000n;
const RULES: ElectionRules = { seats: 6, minimumStakeWei: MINIMUM, hysteresisBps: 500, immunityCycles: 1 };

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, "0");
const accountOf = (index: number): string => `0x${hex(index + 1, 40)}`;
const keyOf = (index: number): string => hex(index + 1, 96);
const SITTING: HonorSet = {
  number: 0,
  members: Array.from({ length: 6 }, (_, seat) => ({ account: accountOf(seat), publicKey: keyOf(seat) })),
};
const accountsOf = (members: readonly { readonly account: string }[]): string[] =>
  members.map(({ account }) => account);

/** What every `HonorElection` does. */
export function honorElectionConformance(name: string, { election, withRank }: HonorElectionUnderTest): void {
  const candidate = (index: number, rank: bigint, changes: Partial<Candidate> = {}): Candidate => ({
    ...withRank(
      {
        account: accountOf(index),
        publicKey: keyOf(index),
        controller: `controller-${index}`,
        stakeWei: MINIMUM,
        score: 0n,
        isSuspended: false,
        sittingSinceCycle: undefined,
      },
      rank,
    ),
    ...changes,
  });
  const seated = (rank: bigint): Candidate[] =>
    Array.from({ length: 6 }, (_, index) => candidate(index, rank, { sittingSinceCycle: 0 }));
  const elect = (
    candidates: readonly Candidate[],
    rules: Partial<ElectionRules> = {},
    request: Partial<ElectionRequest> = {},
  ) =>
    election.elect({
      cycle: 10,
      sitting: SITTING,
      candidates,
      rules: { ...RULES, ...rules },
      keepsSeats: false,
      ...request,
    });
  const elected = (...given: Parameters<typeof elect>): string[] => accountsOf(elect(...given).members);

  describe(`${name} as HonorElection`, () => {
    it("takes the highest ranks of those who may stand, and says why the others may not", () => {
      const candidates = [
        ...Array.from({ length: 7 }, (_, index) => candidate(index, MINIMUM + BigInt(index))),
        candidate(7, 99_999n, { isSuspended: true }),
        candidate(8, 99_999n, { stakeWei: MINIMUM - 1n }),
      ];
      const { members, notElected, isVacant } = elect(candidates);
      expect(isVacant).toBe(false);
      expect(accountsOf(members)).toEqual([6, 5, 4, 3, 2, 1].map(accountOf));
      expect([...notElected]).toEqual([
        [accountOf(7), "suspended"],
        [accountOf(8), "below-minimum-stake"],
        [accountOf(0), "outranked"],
      ]);
    });

    it("lets a challenger in only when it beats the sitting node by more than the hysteresis", () => {
      const against = (rank: bigint) => elected([...seated(MINIMUM), candidate(9, rank)]);
      expect(against(10_500n)).not.toContain(accountOf(9));
      expect(against(10_501n)).toContain(accountOf(9));
    });

    it("keeps a newcomer through its immunity, and between cycles everyone who sits and is eligible", () => {
      const strong = Array.from({ length: 6 }, (_, index) => candidate(index + 10, 99_999n));
      const newcomer = candidate(0, MINIMUM, { sittingSinceCycle: 9 });
      expect(elected([newcomer, ...strong], { immunityCycles: 2 })).toContain(newcomer.account);
      expect(elected([newcomer, ...strong])).not.toContain(newcomer.account);
      const evicted = seated(MINIMUM).map((one, seat) => (seat === 2 ? { ...one, isSuspended: true } : one));
      const members = elected([...evicted, ...strong], {}, { keepsSeats: true });
      expect(members.toSorted()).toEqual([0, 1, 3, 4, 5, 10].map(accountOf).toSorted());
    });

    it("keeps the sitting set where too few may stand for any", () => {
      expect(elect(seated(MINIMUM).slice(1))).toMatchObject({ isVacant: true, members: SITTING.members });
    });

    it("holds its rules for any candidates, the same in whatever order they stand", () => {
      const drawn = fc.array(
        fc.record({
          controller: fc.integer({ min: 0, max: 8 }).map(String),
          rank: fc.bigInt({ min: 9_990n, max: 10_050n }),
          isSuspended: fc.boolean(),
          sittingSinceCycle: fc.option(fc.integer({ min: 0, max: 10 }), { nil: undefined }),
        }),
        { maxLength: 40 },
      );
      fc.assert(
        fc.property(drawn, fc.constantFrom(4, 6, 9, 21), fc.nat(), (all, seats, shift) => {
          const candidates = all.map(({ rank, ...changes }, index) => candidate(index, rank, changes));
          const result = elect(candidates, { seats });
          const from = shift % Math.max(1, all.length);
          const turned = elect([...candidates.slice(from), ...candidates.slice(0, from)], { seats });
          expect(turned.members).toEqual(result.members);
          if (result.isVacant) return;
          expect(isSetSize(result.members.length)).toBe(true);
          expect(result.members.length).toBeLessThanOrEqual(seats);
          const byAccount = new Map(candidates.map((each) => [each.account, each]));
          const ofController = new Map<string, number>();
          for (const { account, publicKey } of result.members) {
            const { isSuspended, stakeWei, controller, ...own } = byAccount.get(account) as Candidate;
            expect(publicKey).toBe(own.publicKey);
            expect(isSuspended || stakeWei < MINIMUM).toBe(false);
            ofController.set(controller, (ofController.get(controller) ?? 0) + 1);
          }
          // As few as cannot stop finality alone.
          for (const count of ofController.values())
            expect(count).toBeLessThanOrEqual(Math.floor((result.members.length - 1) / 3));
          expect(new Set(accountsOf(result.members)).size).toBe(result.members.length);
          expect(result.members.length + result.notElected.size).toBe(all.length);
        }),
      );
    });

    it("refuses rules and candidates that cannot be", () => {
      const refused: [() => unknown, string][] = [
        [() => elect([], { seats: 7 }), "rules.seats"],
        [() => elect([], { hysteresisBps: -1 }), "rules.hysteresisBps"],
        [() => elect([], { immunityCycles: 0.5 }), "rules.immunityCycles"],
        [() => elect([candidate(1, MINIMUM), candidate(1, MINIMUM)]), "candidates.1"],
        [() => elect([candidate(1, -1n)]), "candidates.0.score"],
      ];
      for (const [run, field] of refused)
        expect(run).toThrow(expect.objectContaining({ code: "invalid-election", field }));
    });
  });
}
