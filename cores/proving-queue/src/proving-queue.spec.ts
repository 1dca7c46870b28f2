import { CodedError } from "@aios/kernel/coded-error";
import type { TimestampMs } from "@aios/kernel/units";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { admit } from "./admission.js";
import { compareForClaim, type Waiting } from "./claim-order.js";
import { ServiceTimes } from "./service-times.js";
import {
  isWorthRepeating,
  MAX_ABANDONMENTS,
  refusalToBegin,
  retryDelayMs,
  workTimedOut,
} from "./work-policy.js";

const waiting: fc.Arbitrary<Waiting> = fc.record({
  id: fc.constantFrom("p", "q", "r", "s"),
  group: fc.constantFrom("a", "b", "c"),
  priority: fc.nat(2),
  deadlineMs: fc.option(fc.nat(3), { nil: undefined }),
  requestedAtMs: fc.nat(4),
  abandonments: fc.nat(1),
});
const context = { loaded: new Set(["b"]), patienceMs: 3, nowMs: 5 };

describe("who is served first", () => {
  it("is a total order, so that every worker and every adapter agree", () => {
    const sign = (a: Waiting, b: Waiting): number => Math.sign(compareForClaim(a, b, context));
    fc.assert(
      fc.property(waiting, waiting, waiting, (a, b, c) => {
        expect(sign(a, b) + sign(b, a)).toBe(0);
        if (sign(a, b) <= 0 && sign(b, c) <= 0) expect(sign(a, c)).toBeLessThanOrEqual(0);
        if (a.id !== b.id) expect(sign(a, b)).not.toBe(0);
      }),
    );
  });

  it("never puts a loaded model before a higher priority, nor before what waited beyond patience", () => {
    const base = { deadlineMs: undefined, abandonments: 0 };
    const loaded = { ...base, id: "l", group: "b", priority: 0, requestedAtMs: 4 };
    const higher = { ...base, id: "h", group: "a", priority: 1, requestedAtMs: 5 };
    const starving = { ...base, id: "s", group: "a", priority: 0, requestedAtMs: 2 };
    const fresh = { ...base, id: "f", group: "a", priority: 0, requestedAtMs: 3 };
    expect(compareForClaim(higher, loaded, context)).toBeLessThan(0);
    expect(compareForClaim(starving, loaded, context)).toBeLessThan(0);
    expect(compareForClaim(loaded, fresh, context)).toBeLessThan(0);
  });
});

describe("admission", () => {
  it("adds what is new, answers what is known, replaces what has no result, is decided by one", () => {
    const there = { isOpen: true, hasResult: false, isSame: false };
    expect(admit(undefined, 0, 1, 5)).toBe("add");
    expect(admit({ ...there, isSame: true }, 1, 1, 5)).toBe("known");
    expect(admit({ ...there, isOpen: false, hasResult: true, isSame: true }, 1, 1, 5)).toBe("known");
    expect(admit(there, 1, 1, 5)).toBe("replace");
    expect(admit({ ...there, isOpen: false, hasResult: true }, 0, 1, 5)).toBe("decided");
    const full = expect.objectContaining({ code: "prover-queue-full", retryAfterMs: 5 }) as unknown;
    expect(() => admit(undefined, 1, 1, 5)).toThrow(full as Error);
    // Failed work that is asked for anew is new work to the queue.
    expect(() => admit({ ...there, isOpen: false }, 1, 1, 5)).toThrow(full as Error);
  });
});

describe("work that is not begun", () => {
  it("is what too many holders vanished over, and what nobody waits for any more", () => {
    const fine = { abandonments: MAX_ABANDONMENTS - 1, deadline: 101 as TimestampMs };
    expect(refusalToBegin(fine, 100)).toBeUndefined();
    expect(refusalToBegin({ ...fine, abandonments: MAX_ABANDONMENTS }, 100)).toMatchObject({
      code: "worker-lost",
    });
    expect(refusalToBegin(fine, 101)).toMatchObject({ code: "deadline-passed" });
    expect(refusalToBegin({ ...fine, deadline: undefined }, 1e15)).toBeUndefined();
  });

  it("is repeated for passing trouble only, and not for ever", () => {
    const error = (kind: "unavailable" | "internal" | "unprocessable") =>
      new CodedError({ code: "x", kind, message: "x" });
    expect(isWorthRepeating(error("unavailable"), 59)).toBe(true);
    expect(isWorthRepeating(error("unavailable"), 60)).toBe(false);
    expect(isWorthRepeating(error("internal"), 5)).toBe(false);
    expect(isWorthRepeating(error("unprocessable"), 1)).toBe(false);
  });

  it("is repeated twice only when it took all the time or memory that it may", () => {
    const outOfMemory = new CodedError({ code: "prover-out-of-memory", kind: "unavailable", message: "x" });
    for (const costly of [workTimedOut(60_000, undefined), outOfMemory]) {
      expect(isWorthRepeating(costly, 2)).toBe(true);
      expect(isWorthRepeating(costly, 3)).toBe(false);
    }
  });

  it("is put off ever longer, within a bound", () => {
    const delays = Array.from({ length: 12 }, (_, at) => retryDelayMs(at + 1));
    expect(delays.slice(0, 4)).toEqual([200, 400, 800, 1_600]);
    expect(Math.max(...delays)).toBe(10_000);
  });
});

describe("quotes of time", () => {
  it("guess from constraints, then follow what was measured, and grow with the queue", () => {
    const times = new ServiceTimes();
    expect(times.proofMs("a", 15_000)).toBe(1_000);
    for (let proof = 0; proof < 50; proof++) times.record("a", 10_000, 100);
    expect(times.proofMs("a", 10_000)).toBe(100);
    // Another model: from the speed that was seen.
    expect(times.proofMs("b", 20_000)).toBeGreaterThanOrEqual(199);
    expect(times.proofMs("b", 20_000)).toBeLessThanOrEqual(201);
    expect(times.expectedMs("a", 10_000, { depth: 0, parallel: 2 })).toBe(100);
    expect(times.expectedMs("a", 10_000, { depth: 10, parallel: 2 })).toBe(600);
    expect(times.nextFreeMs()).toBe(100);
  });
});
