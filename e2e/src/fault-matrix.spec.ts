import type { Job, JobState } from "@aios/sdk/api-types";
import { describe, expect, it } from "vitest";
import { watcherOf } from "./fault-flows.js";
import { cellOf, Tally } from "./fault-matrix.js";

/** States in which a kill amid the flow came, of those that a client saw of one job. */
function killedIn(...seen: readonly JobState[]): readonly JobState[] {
  const killed: JobState[] = [];
  let now: JobState | undefined;
  const watch = watcherOf({ onAmid: () => now !== undefined && killed.push(now) });
  for (const state of seen) {
    now = state;
    watch({ state } as Job);
  }
  return killed;
}

describe("a kill amid a job", () => {
  it("comes once, as soon as the job is paid for", () => {
    expect(killedIn("prepared", "funding", "funded", "leased", "settled")).toEqual(["funded"]);
    expect(killedIn("funding", "delivered", "settled")).toEqual(["delivered"]);
  });

  it("does not come when the job has ended: nothing would depend on who dies then", () => {
    expect(killedIn("funding", "settled")).toEqual([]);
    expect(killedIn("funding", "refunded")).toEqual([]);
    expect(killedIn("failed")).toEqual([]);
  });
});

describe("a case whose kill did not come", () => {
  it("is neither passed nor failed, unless something else is wrong", () => {
    expect(cellOf({ fired: [] }, [])).toBe("not passed");
    expect(cellOf({ fired: ["postgres"] }, [])).toBe("held");
    expect(cellOf({ fired: [] }, ["2 payments of kind 'refund'"])).toBe("failed");
  });

  it("is counted apart, and makes no run good alone", () => {
    const tally = new Tally();
    tally.add("not passed");
    expect(tally.isGood).toBe(false);
    tally.add("held");
    expect(tally.isGood).toBe(true);
    expect(String(tally)).toBe("1 passed, 0 failed, 1 not on the way this time");
    tally.add("failed");
    expect(tally.isGood).toBe(false);
  });
});
