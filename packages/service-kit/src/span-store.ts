import type { HrTime } from "@opentelemetry/api";
import { SpanKind, SpanStatusCode } from "@opentelemetry/api";
import type { ReadableSpan, SpanProcessor } from "@opentelemetry/sdk-trace";

/** A span that has ended, in the units of the telemetry service. */
export interface StoredSpan {
  readonly spanId: string;
  /** Empty for the first span of a trace. */
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: SpanKind;
  /** Microseconds since the Unix epoch. */
  readonly startUs: number;
  readonly durationUs: number;
  readonly failed: boolean;
  /** Why it failed; empty otherwise. */
  readonly message: string;
  readonly attributes: Readonly<Record<string, string>>;
}

export interface TraceSummary {
  readonly traceId: string;
  readonly value: string;
  readonly startedAtMs: number;
  readonly lastEndedAtMs: number;
  readonly failed: boolean;
}

export interface SpanStoreLimits {
  /** Traces that changed something; they outlive reads. */
  readonly workTraces: number;
  readonly readTraces: number;
  readonly spansPerTrace: number;
  /** In all traces together. */
  readonly spans: number;
}

const LIMITS: SpanStoreLimits = { workTraces: 256, readTraces: 64, spansPerTrace: 512, spans: 8_192 };
const LARGEST_ATTRIBUTE = 200;
const ATTRIBUTES_KEPT = 12;
const READS =
  /^(GET|HEAD|OPTIONS) |\/(Get|List|Stat|Check|Find|Describe|Explain|Quote|Verify|Watch)[A-Za-z]*$|^postgres /;

interface KeptTrace {
  readonly spans: StoredSpan[];
  dropped: number;
}

/**
 * The latest spans of this process, by trace, in memory that has a bound: where no collector runs, this is what a job's
 * way is read from. A trace of reads gives way before one that changed something, an old one before a young one.
 */
export class SpanStore implements SpanProcessor {
  readonly #limits: SpanStoreLimits;
  readonly #work = new Map<string, KeptTrace>();
  readonly #reads = new Map<string, KeptTrace>();
  #spans = 0;

  constructor(limits: SpanStoreLimits = LIMITS) {
    this.#limits = limits;
  }

  onStart(): void {
    // A span is kept once it has ended.
  }

  onEnd(span: ReadableSpan): void {
    this.add(span.spanContext().traceId, storedSpanOf(span));
  }

  /** Keeps one ended span. */
  add(traceId: string, span: StoredSpan): void {
    const kept = this.#kept(traceId, span);
    if (kept.spans.length >= this.#limits.spansPerTrace) {
      kept.dropped += 1;
      return;
    }
    kept.spans.push(span);
    this.#spans += 1;
    this.#makeRoom();
  }

  /** Traces with a span that carries the attribute, the latest first; one for each trace and value. */
  list(attribute: string, limit: number): readonly TraceSummary[] {
    const found = new Map<string, TraceSummary>();
    for (const [traceId, { spans }] of [...this.#work, ...this.#reads]) {
      for (const span of spans) {
        const value = span.attributes[attribute];
        if (value === undefined) continue;
        const key = `${traceId} ${value}`;
        found.set(key, merged(found.get(key), summaryOf(traceId, value, span)));
      }
    }
    return [...found.values()].sort((a, b) => b.startedAtMs - a.startedAtMs).slice(0, limit);
  }

  /** What is remembered of a trace; nothing of one that is not known. */
  trace(traceId: string): { readonly spans: readonly StoredSpan[]; readonly dropped: number } {
    return this.#work.get(traceId) ?? this.#reads.get(traceId) ?? { spans: [], dropped: 0 };
  }

  async forceFlush(): Promise<void> {
    // Nothing leaves this process.
  }

  async shutdown(): Promise<void> {
    this.#work.clear();
    this.#reads.clear();
    this.#spans = 0;
  }

  #kept(traceId: string, span: StoredSpan): KeptTrace {
    const work = this.#work.get(traceId);
    if (work !== undefined) return work;
    const kept = this.#reads.get(traceId) ?? { spans: [], dropped: 0 };
    if (READS.test(span.name)) this.#reads.set(traceId, kept);
    else {
      this.#reads.delete(traceId);
      this.#work.set(traceId, kept);
    }
    return kept;
  }

  #makeRoom(): void {
    while (this.#reads.size > this.#limits.readTraces) this.#forgetOldest(this.#reads);
    while (this.#work.size > this.#limits.workTraces) this.#forgetOldest(this.#work);
    while (this.#spans > this.#limits.spans)
      this.#forgetOldest(this.#reads.size > 0 ? this.#reads : this.#work);
  }

  #forgetOldest(traces: Map<string, KeptTrace>): void {
    const oldest = traces.entries().next().value;
    if (oldest === undefined) return;
    traces.delete(oldest[0]);
    this.#spans -= oldest[1].spans.length;
  }
}

function storedSpanOf(span: ReadableSpan): StoredSpan {
  const { status } = span;
  const failed = status.code === SpanStatusCode.ERROR;
  return {
    spanId: span.spanContext().spanId,
    parentSpanId: span.parentSpanContext?.spanId ?? "",
    name: span.name,
    kind: span.kind,
    startUs: microseconds(span.startTime),
    durationUs: Math.max(0, microseconds(span.endTime) - microseconds(span.startTime)),
    failed,
    message: failed ? (status.message ?? "").slice(0, LARGEST_ATTRIBUTE) : "",
    attributes: Object.fromEntries(
      Object.entries(span.attributes)
        .slice(0, ATTRIBUTES_KEPT)
        .map(([name, value]) => [name, String(value).slice(0, LARGEST_ATTRIBUTE)]),
    ),
  };
}

function microseconds([seconds, nanoseconds]: HrTime): number {
  return seconds * 1_000_000 + Math.round(nanoseconds / 1_000);
}

function summaryOf(traceId: string, value: string, span: StoredSpan): TraceSummary {
  return {
    traceId,
    value,
    startedAtMs: Math.floor(span.startUs / 1_000),
    lastEndedAtMs: Math.ceil((span.startUs + span.durationUs) / 1_000),
    failed: span.failed,
  };
}

function merged(before: TraceSummary | undefined, next: TraceSummary): TraceSummary {
  if (before === undefined) return next;
  return {
    ...next,
    startedAtMs: Math.min(before.startedAtMs, next.startedAtMs),
    lastEndedAtMs: Math.max(before.lastEndedAtMs, next.lastEndedAtMs),
    failed: before.failed || next.failed,
  };
}
