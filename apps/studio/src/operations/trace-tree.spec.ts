import type { TraceSpan } from "@aios/sdk/operations-types";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { axisTicks, traceTree } from "./trace-tree.js";

function span(spanId: string, parentSpanId: string, startUs: number, durationUs = 10): TraceSpan {
  return {
    ...{ spanId, parentSpanId, startUs, durationUs, service: "compute", name: spanId, kind: "internal" },
    ...{ failed: false, message: "", attributes: {} },
  };
}

describe("a trace as lines", () => {
  it("puts each span below its parent and brothers in order of time", () => {
    const { rows, durationUs } = traceTree([
      span("late", "root", 50, 100),
      span("root", "", 10),
      span("inner", "early", 25),
      span("early", "root", 20),
    ]);
    expect(rows.map((row) => [row.span.name, row.depth, row.offsetUs])).toEqual([
      ["root", 0, 0],
      ["early", 1, 10],
      ["inner", 2, 15],
      ["late", 1, 40],
    ]);
    expect(durationUs).toBe(140);
  });

  it("keeps a span whose parent was forgotten", () => {
    expect(traceTree([span("orphan", "gone", 5)]).rows).toHaveLength(1);
  });

  it("shows each span at most once, whatever spans say of their parents", () => {
    const id = fc.constantFrom("a", "b", "c", "d");
    const spans = fc.uniqueArray(fc.tuple(id, id, fc.nat(100)), { selector: ([spanId]) => spanId });
    fc.assert(
      fc.property(spans, (list) => {
        const { rows } = traceTree(list.map(([spanId, parent, at]) => span(spanId, parent, at)));
        expect(new Set(rows.map((row) => row.span.spanId)).size).toBe(rows.length);
      }),
    );
  });

  it("is empty without spans", () => {
    expect(traceTree([]).rows).toEqual([]);
  });
});

it("marks two to six round times", () => {
  expect(axisTicks(14_200)).toEqual([0, 5_000, 10_000]);
  fc.assert(
    fc.property(fc.integer({ min: 10, max: 1e10 }), (durationUs) => {
      const ticks = axisTicks(durationUs);
      expect(ticks.length).toBeGreaterThanOrEqual(2);
      expect(ticks.length).toBeLessThanOrEqual(6);
      expect(ticks.at(-1)).toBeLessThanOrEqual(durationUs);
    }),
  );
});
