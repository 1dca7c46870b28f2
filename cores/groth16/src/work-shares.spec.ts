import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Range, type WorkShare, workShares } from "./work-shares.js";

const indices = (shares: readonly WorkShare[], pick: (share: WorkShare) => Range): number[] =>
  shares.flatMap((share) => {
    const { from, to } = pick(share);
    return Array.from({ length: to - from }, (_, at) => from + at);
  });

describe("work shares", () => {
  it("give every index to exactly one thread", () => {
    fc.assert(
      fc.property(
        fc.nat(200),
        fc.nat(200),
        fc.nat(200),
        fc.integer({ min: 1, max: 20 }),
        (variables, privates, quotient, threads) => {
          const shares = workShares({ variables, privates, quotient }, threads);
          const all = (count: number): number[] => Array.from({ length: count }, (_, at) => at);
          expect(shares).toHaveLength(threads);
          expect(indices(shares, (share) => share.variables)).toEqual(all(variables));
          expect(indices(shares, (share) => share.privates)).toEqual(all(privates));
          expect(indices(shares, (share) => share.quotient)).toEqual(all(quotient));
        },
      ),
    );
  });

  it("keep the witness away from the thread that computes the quotient", () => {
    const [first, second] = workShares({ variables: 10, privates: 8, quotient: 15 }, 2);
    expect(first).toEqual({
      variables: { from: 0, to: 0 },
      privates: { from: 0, to: 0 },
      quotient: { from: 0, to: 7 },
    });
    expect(second).toEqual({
      variables: { from: 0, to: 10 },
      privates: { from: 0, to: 8 },
      quotient: { from: 7, to: 15 },
    });
  });
});
