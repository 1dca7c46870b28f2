import { describe, expect, it } from "vitest";
import { anticoneExcessProbability, requireSafeK, smallestSafeK } from "./anticone-bound.js";

const network = { blocksPerSecond: 2, maxDelayMs: 200, maxExcessProbability: 0.01 };

describe("the bound on anticones", () => {
  it("gives the Poisson tail with mean 2·D·λ", () => {
    expect(anticoneExcessProbability(3, 2, 200)).toBeCloseTo(0.0091, 4);
    expect(anticoneExcessProbability(3, 3, 200)).toBeCloseTo(0.0338, 4);
    expect(anticoneExcessProbability(3, 2, 500)).toBeCloseTo(0.1429, 4);
    expect(anticoneExcessProbability(0, 1, 500)).toBeCloseTo(1 - Math.exp(-1), 12);
  });

  it("finds the paper's k and refuses a smaller one with the answer", () => {
    expect(smallestSafeK(network)).toBe(3);
    expect(() => requireSafeK(3, network)).not.toThrow();
    for (const unsafe of [
      { ...network, blocksPerSecond: 3 },
      { ...network, maxDelayMs: 500 },
    ])
      expect(() => requireSafeK(3, unsafe)).toThrow(
        expect.objectContaining({
          code: "unsafe-ghostdag-parameters",
          field: "k",
          details: expect.objectContaining({ k: 3, smallestSafeK: smallestSafeK(unsafe) }),
        }),
      );
    // Kaspa's k = 18 for one block a second, 5 s and 1%.
    expect(smallestSafeK({ blocksPerSecond: 1, maxDelayMs: 5_000, maxExcessProbability: 0.01 })).toBe(18);
  });

  it("names the field that makes no sense", () => {
    for (const field of ["blocksPerSecond", "maxDelayMs", "maxExcessProbability"])
      expect(() => requireSafeK(3, { ...network, [field]: 0 })).toThrow(
        expect.objectContaining({ code: "unsafe-ghostdag-parameters", field }),
      );
    expect(() => requireSafeK(-1, network)).toThrow(expect.objectContaining({ field: "k" }));
    expect(() => smallestSafeK({ ...network, maxDelayMs: 1e9 })).toThrow(
      expect.objectContaining({ field: "maxDelayMs" }),
    );
  });
});
