import { describe, expect, it } from "vitest";
import { PeerBudget } from "./peer-budget.js";

describe("what a peer may ask for", () => {
  it("is so much at once, then what time brings, each peer for itself", () => {
    const budget = new PeerBudget(100, 1_000);
    const spend = (peer: string, nowMs: number): boolean => {
      const isLeft = budget.isLeft(peer, nowMs);
      if (isLeft) budget.spend(peer, 600, nowMs);
      return isLeft;
    };
    expect([0, 0, 0].map((nowMs) => spend("a", nowMs))).toEqual([true, true, false]);
    expect(spend("b", 0)).toBe(true);
    // The second answer took 200 more than was left.
    expect([1_999, 2_010].map((nowMs) => spend("a", nowMs))).toEqual([false, true]);
    expect([100_000, 100_000, 100_000].map((nowMs) => spend("a", nowMs))).toEqual([true, true, false]);
  });
});
