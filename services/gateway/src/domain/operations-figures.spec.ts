import { describe, expect, it } from "vitest";
import { gaugeOf, SERIES, topicLags } from "./operations-figures.js";

const buckets = (topic: string, counts: Readonly<Record<string, number>>) =>
  Object.entries(counts).map(([le, value]) => ({
    series: "aios_events_lag_bucket",
    labels: { topic, le },
    value,
  }));

describe("figures of operations", () => {
  it("ask for no more series than a service answers at once", () => {
    expect(SERIES.length).toBeLessThanOrEqual(64);
  });

  it("tell a gauge that is nought from one that is not there", () => {
    const sample = (value: number) => ({ series: "queued", labels: {}, value });
    expect(gaugeOf([sample(0)], "queued")).toBe(0);
    expect(gaugeOf([sample(2), sample(3)], "queued")).toBe(5);
    expect(gaugeOf([], "queued")).toBeNull();
  });

  it("read quantiles of lag from what came since the reading before", () => {
    const before = buckets("jobs", { "10": 100, "100": 100, "+Inf": 100 });
    const now = buckets("jobs", { "10": 101, "100": 118, "+Inf": 120 });
    expect(topicLags(now, before)).toEqual([{ topic: "jobs", handled: 20, p50Ms: 100, p95Ms: null }]);
    expect(topicLags(now, [])).toEqual([{ topic: "jobs", handled: 120, p50Ms: 10, p95Ms: 100 }]);
    expect(topicLags(now, now)).toEqual([{ topic: "jobs", handled: 0, p50Ms: null, p95Ms: null }]);
  });

  it("order buckets by their bounds, whatever order they come in", () => {
    const now = buckets("jobs", { "+Inf": 10, "100": 9, "10": 5 });
    expect(topicLags(now, [])[0]).toEqual({ topic: "jobs", handled: 10, p50Ms: 10, p95Ms: null });
  });
});
