import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RangeRequests } from "./range-requests.js";

const PATIENCE_MS = 1_000;

describe("requests for ranges", () => {
  it("go to one peer at a time, until it answered or its time is over", () => {
    const ranges = new RangeRequests(PATIENCE_MS);
    expect(ranges.mayAsk("a", 0)).toBe(true);
    expect(ranges.mayAsk("b", 999)).toBe(false);
    expect(ranges.mayAsk("b", 1_000)).toBe(true);
    ranges.brought("b");
    ranges.answered("b", 1_100);
    expect(ranges.mayAsk("b", 1_100)).toBe(true);
  });

  it("pass over a peer whose range brought nothing, and come back to it when there is no other", () => {
    const ranges = new RangeRequests(PATIENCE_MS);
    expect(ranges.mayAsk("liar", 0)).toBe(true);
    ranges.answered("liar", 10);
    expect(ranges.mayAsk("liar", 10)).toBe(false);
    expect(ranges.mayAsk("honest", 20)).toBe(true);
    ranges.brought("honest");
    ranges.answered("honest", 30);
    expect(ranges.mayAsk("liar", 40)).toBe(false);
    expect(ranges.mayAsk("honest", 50)).toBe(true);
    ranges.brought("honest");
    ranges.answered("honest", 60);
    expect(ranges.mayAsk("liar", 10 + 2 * PATIENCE_MS)).toBe(true);
  });

  it("reach an honest peer however many claim more than they have, and whether or not they answer", () => {
    const liars = fc.array(fc.boolean(), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(liars, (answers) => {
        const ranges = new RangeRequests(PATIENCE_MS);
        // All say where they stand each half of the patience, the honest one last.
        for (let nowMs = 0; nowMs <= 2 * PATIENCE_MS * (answers.length + 1); nowMs += PATIENCE_MS / 2) {
          for (const [liar, isAnswering] of answers.entries()) {
            if (ranges.mayAsk(`liar-${liar}`, nowMs) && isAnswering) ranges.answered(`liar-${liar}`, nowMs);
          }
          if (ranges.mayAsk("honest", nowMs)) return true;
        }
        return false;
      }),
    );
  });
});
