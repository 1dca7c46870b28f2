import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CounterIncrease, selectedTotal } from "./counter-increase.js";
import { ErrorBudget, type WindowReading } from "./error-budget.js";
import { BURN_RATES, OBJECTIVES, WINDOW_MS, type Window } from "./objectives.js";

const NOW_MS = 1_800_000_000_000;

function reading(budget: ErrorBudget, window: Window): WindowReading {
  const found = budget.read(NOW_MS).windows.find((each) => each.window === window);
  if (found === undefined) throw new Error(`no window ${window}`);
  return found;
}

describe("a selector", () => {
  const samples = ["200", "404", "503"].map((status, index) => ({
    series: "aios_gateway_request_duration_count",
    labels: { status },
    value: 10 ** index,
  }));

  it("counts what is no failure of the gateway as Prometheus would", () => {
    const [availability] = OBJECTIVES;
    if (availability === undefined) throw new Error("there are objectives");
    expect(selectedTotal(samples, availability.good)).toBe(11);
    expect(selectedTotal(samples, availability.all)).toBe(111);
  });

  it("anchors its pattern, and takes a label that is not there for an empty one", () => {
    const where = [{ label: "status", operator: "!~", value: "5.." }] as const;
    const sample = (labels: Record<string, string>) => [{ series: "s", labels, value: 1 }];
    expect(selectedTotal(sample({ status: "5000" }), { series: "s", where })).toBe(1);
    expect(selectedTotal(sample({}), { series: "s", where })).toBe(1);
  });
});

describe("a counter's increase", () => {
  it("starts where it is first seen and survives restarts", () => {
    const counter = new CounterIncrease();
    expect([100, 130, 5, 9].map((total) => counter.next("a", total))).toEqual([0, 30, 5, 4]);
  });

  it("adds up over processes, in whatever order they answer", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(2), fc.nat(1_000)), { maxLength: 60 }), (steps) => {
        const counter = new CounterIncrease();
        const totals = [0, 0, 0];
        for (const process of [0, 1, 2]) counter.next(String(process), 0);
        let counted = 0;
        for (const [process, grown] of steps) {
          totals[process] = (totals[process] ?? 0) + grown;
          counted += counter.next(String(process), totals[process] ?? 0);
        }
        expect(counted).toBe(totals.reduce((sum, total) => sum + total, 0));
      }),
    );
  });

  it("forgets the process that was silent longest", () => {
    const counter = new CounterIncrease(2);
    for (const process of ["a", "b", "c"]) counter.next(process, 10);
    expect(counter.next("c", 15)).toBe(5);
    expect(counter.next("a", 15)).toBe(0);
  });
});

describe("an error budget", () => {
  it("knows nothing before the first event", () => {
    const budget = new ErrorBudget(0.99, NOW_MS);
    expect(reading(budget, "1h")).toEqual({
      window: "1h",
      good: 0,
      all: 0,
      errorRatio: undefined,
      burnRate: undefined,
      covered: 0,
    });
    expect(budget.read(NOW_MS).burning).toBeUndefined();
  });

  it("counts an event in every window that reaches back to it, and in no other", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4 * 86_400_000 }), (ageMs) => {
        const budget = new ErrorBudget(0.99, 0);
        budget.add(NOW_MS - ageMs, { good: 0, all: 1 });
        for (const [window, spanMs] of Object.entries(WINDOW_MS)) {
          const { all } = reading(budget, window as Window);
          if (ageMs <= spanMs - 60_000) expect(all).toBe(1);
          if (ageMs > spanMs) expect(all).toBe(0);
        }
      }),
    );
  });

  it("burns at 1 where exactly the promised share is good", () => {
    const budget = new ErrorBudget(0.99, 0);
    budget.add(NOW_MS, { good: 99, all: 100 });
    expect(reading(budget, "5m").burnRate).toBeCloseTo(1, 9);
    expect(reading(budget, "5m").errorRatio).toBeCloseTo(0.01, 9);
  });

  it("pages when nothing is good, and is quiet when all is", () => {
    const broken = new ErrorBudget(0.99, 0);
    broken.add(NOW_MS, { good: 0, all: 10 });
    expect(broken.read(NOW_MS).burning).toEqual(BURN_RATES[0]);
    const kept = new ErrorBudget(0.99, 0);
    kept.add(NOW_MS, { good: 10, all: 10 });
    expect(kept.read(NOW_MS).burning).toBeUndefined();
  });

  it("does not page for what is over: the short window must burn as well", () => {
    const budget = new ErrorBudget(0.99, 0);
    budget.add(NOW_MS - 1_200_000, { good: 0, all: 100 });
    budget.add(NOW_MS, { good: 100, all: 100 });
    expect(budget.read(NOW_MS).burning).not.toEqual(BURN_RATES[0]);
  });

  it("says how much of a window was counted", () => {
    const budget = new ErrorBudget(0.99, NOW_MS - 900_000);
    expect(reading(budget, "5m").covered).toBe(1);
    expect(reading(budget, "30m").covered).toBe(0.5);
  });

  it("has a bounded memory, whatever comes", () => {
    const budget = new ErrorBudget(0.99, 0);
    for (let minute = 0; minute < 10_000; minute++)
      budget.add(NOW_MS - (10_000 - minute) * 60_000, { good: 1, all: 1 });
    expect(reading(budget, "3d").all).toBeLessThanOrEqual(4_320);
  });

  it("refuses an objective that leaves no budget", () => {
    expect(() => new ErrorBudget(1, 0)).toThrow(RangeError);
  });
});
