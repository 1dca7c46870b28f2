import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SeededRng } from "./random.js";

describe("SeededRng", () => {
  it("repeats itself for a seed and differs for others", () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        expect(new SeededRng(seed).bytes(32)).toEqual(new SeededRng(seed).bytes(32));
        expect(new SeededRng(seed).bytes(32)).not.toEqual(new SeededRng(seed + 1).bytes(32));
      }),
    );
  });

  it("stays below its bound and reaches every value", () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 16 }), (seed, bound) => {
        const rng = new SeededRng(seed);
        const seen = new Set(Array.from({ length: 400 }, () => rng.below(bound)));
        expect([...seen].every((value) => value >= 0 && value < bound)).toBe(true);
        expect(seen.size).toBe(bound);
      }),
    );
  });

  // 15 degrees of freedom: one in ten thousand fair generators exceeds 45.
  it("is uniform enough: chi-squared over 16 buckets", () => {
    const rng = new SeededRng(7);
    const counts = new Array<number>(16).fill(0);
    for (let i = 0; i < 16_000; i++) {
      const bucket = rng.below(16);
      counts[bucket] = (counts[bucket] ?? 0) + 1;
    }
    const chiSquared = counts.reduce((sum, count) => sum + (count - 1_000) ** 2 / 1_000, 0);
    expect(chiSquared).toBeLessThan(45);
  });

  it("shuffles without losing anything", () => {
    fc.assert(
      fc.property(fc.nat(), fc.array(fc.integer()), (seed, items) => {
        const shuffled = new SeededRng(seed).shuffle([...items]);
        expect([...shuffled].sort()).toEqual([...items].sort());
      }),
    );
  });
});
