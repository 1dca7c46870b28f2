import type { CounterSample } from "@aios/core-service-level/counter-increase";

/** What one process of the platform says of itself. A part that it does not have is null. */
export interface ProcessFacts {
  readonly version: string;
  readonly instanceId: string;
  readonly startedAtMs: number;
  /** Its clock when it answered. */
  readonly nowMs: number;
  readonly checks: readonly { readonly name: string; readonly ok: boolean; readonly problem: string }[];
  readonly samples: readonly CounterSample[];
  readonly schema: {
    readonly expected: number;
    readonly missing: readonly string[];
    readonly changed: readonly string[];
    readonly ahead: readonly string[];
  } | null;
  readonly outbox: { readonly events: number; readonly oldestAgeMs: number } | null;
  readonly deadLetters: { readonly events: number; readonly limit: number } | null;
  readonly disk: {
    readonly directory: string;
    readonly freeBytes: number;
    readonly totalBytes: number;
  } | null;
  readonly certificate: { readonly notAfterMs: number } | null;
}

export type SpanKindName = "internal" | "server" | "client" | "producer" | "consumer";

export interface TraceSpan {
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: SpanKindName;
  /** Microseconds since the Unix epoch. */
  readonly startUs: number;
  readonly durationUs: number;
  readonly failed: boolean;
  readonly message: string;
  readonly attributes: Readonly<Record<string, string>>;
}

export interface AttributedTrace {
  readonly traceId: string;
  readonly value: string;
  readonly startedAtMs: number;
  readonly lastEndedAtMs: number;
  readonly failed: boolean;
}

/** One service as the page of operations asks it; every answer is bounded in time by the signal. */
export interface ProcessSource {
  readonly name: string;
  /** Facts, with samples of the named series (at most 64). Rejects when the service does not answer. */
  read(series: readonly string[], signal: AbortSignal): Promise<ProcessFacts>;
  /** Traces whose spans carry the attribute, the latest first. */
  traces(attribute: string, limit: number, signal: AbortSignal): Promise<readonly AttributedTrace[]>;
  /** The spans of one trace that this service remembers. */
  trace(
    traceId: string,
    signal: AbortSignal,
  ): Promise<{ readonly spans: readonly TraceSpan[]; readonly dropped: number }>;
}
