import { SpanKind } from "@opentelemetry/api";
import { describe, expect, it } from "vitest";
import { SpanStore, type StoredSpan } from "./span-store.js";

const LIMITS = { workTraces: 2, readTraces: 2, spansPerTrace: 3, spans: 8 };

function span(name: string, startMs = 0, attributes: Readonly<Record<string, string>> = {}): StoredSpan {
  return {
    spanId: `${name}-${startMs}`,
    parentSpanId: "",
    name,
    kind: SpanKind.SERVER,
    startUs: startMs * 1_000,
    durationUs: 5_000,
    failed: false,
    message: "",
    attributes,
  };
}

describe("the span store", () => {
  it("gives back a trace's spans", () => {
    const store = new SpanStore(LIMITS);
    store.add("a", span("POST /v1/jobs"));
    store.add("b", span("GET /health"));
    expect(store.trace("a").spans.map(({ name }) => name)).toEqual(["POST /v1/jobs"]);
    expect(store.trace("c")).toEqual({ spans: [], dropped: 0 });
  });

  it("keeps what changed something however many reads come after it", () => {
    const store = new SpanStore(LIMITS);
    store.add("work", span("postgres SELECT"));
    store.add("work", span("aios.compute.v1.ComputeService/PlaceJob"));
    for (let read = 0; read < 50; read++) store.add(`read-${read}`, span("GET /v1/platform"));
    expect(store.trace("work").spans).toHaveLength(2);
    expect(store.trace("read-0").spans).toHaveLength(0);
    expect(store.trace("read-49").spans).toHaveLength(1);
  });

  it("counts what does not fit into one trace, and forgets the oldest trace", () => {
    const store = new SpanStore(LIMITS);
    for (let index = 0; index < 5; index++) store.add("long", span("job prove", index));
    expect(store.trace("long")).toMatchObject({ dropped: 2 });
    for (const name of ["b", "c"]) store.add(name, span("job match"));
    expect(store.trace("long").spans).toHaveLength(0);
  });

  it("stays within its bound over all traces, reads first", () => {
    const store = new SpanStore({ ...LIMITS, workTraces: 100, readTraces: 100 });
    for (let index = 0; index < 3; index++) store.add("read", span("GET /", index));
    for (const trace of ["a", "b"]) for (let i = 0; i < 3; i++) store.add(trace, span("job settle", i));
    expect(store.trace("read").spans).toHaveLength(0);
    expect(store.trace("a").spans).toHaveLength(3);
  });

  it("lists the traces of an attribute, the latest first, as long as they took", () => {
    const store = new SpanStore({ ...LIMITS, workTraces: 10 });
    store.add("a", span("job match", 10, { "aios.job.id": "0x1" }));
    store.add("a", { ...span("job settle", 90, { "aios.job.id": "0x1" }), failed: true });
    store.add("b", span("job match", 50, { "aios.job.id": "0x2" }));
    store.add("c", span("job match", 70));
    expect(store.list("aios.job.id", 10)).toEqual([
      { traceId: "b", value: "0x2", startedAtMs: 50, lastEndedAtMs: 55, failed: false },
      { traceId: "a", value: "0x1", startedAtMs: 10, lastEndedAtMs: 95, failed: true },
    ]);
    expect(store.list("aios.job.id", 1)).toHaveLength(1);
  });
});
