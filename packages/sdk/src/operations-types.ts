/** What the gateway tells its operators: services, queues, objectives and traces; units as in `api-types.ts`. */

/** One service as its operator sees it; figures that it did not give are null. */
export interface OperatedService {
  readonly name: string;
  readonly state: "ready" | "not-ready" | "silent";
  readonly problem: string | null;
  readonly latencyMs: number;
  readonly version: string | null;
  readonly instanceId: string | null;
  readonly startedAtMs: number | null;
  /** How far its clock is ahead of the gateway's. */
  readonly clockOffsetMs: number | null;
  readonly memoryBytes: number | null;
  readonly checks: readonly { readonly name: string; readonly ok: boolean; readonly problem: string }[];
  /** Its migrations against those that its database has. */
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
  /** The one that it shows to the other services; null without TLS of their own. */
  readonly certificate: { readonly notAfterMs: number } | null;
}

export interface ServiceLevelObjective {
  readonly name: string;
  readonly promise: string;
  /** Share of good events that is promised. */
  readonly objective: number;
  readonly burning: { readonly severity: "page" | "ticket"; readonly factor: number } | null;
  readonly windows: readonly {
    readonly window: "5m" | "30m" | "1h" | "6h" | "3d";
    readonly events: number;
    readonly bad: number;
    readonly errorRatio: number | null;
    readonly burnRate: number | null;
    /** Share of the window that the gateway has counted. */
    readonly covered: number;
  }[];
}

export interface Operations {
  readonly atMs: number;
  readonly watchedSinceMs: number;
  readonly services: readonly OperatedService[];
  readonly chain: {
    readonly latestHeight: number | null;
    readonly finalizedHeight: number | null;
    readonly indexedHeight: number | null;
    readonly providersOnline: number | null;
  };
  readonly queues: readonly {
    readonly name: string;
    readonly description: string;
    readonly service: string;
    readonly waiting: number | null;
  }[];
  readonly lags: readonly {
    readonly service: string;
    readonly topic: string;
    /** In the last five minutes. */
    readonly handled: number;
    readonly p50Ms: number | null;
    readonly p95Ms: number | null;
  }[];
  readonly objectives: readonly ServiceLevelObjective[];
  readonly jobs: readonly {
    readonly jobId: string;
    readonly traceId: string;
    readonly startedAtMs: number;
    readonly lastEndedAtMs: number;
    readonly failed: boolean;
  }[];
}

export interface TraceSpan {
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly service: string;
  readonly name: string;
  readonly kind: "internal" | "server" | "client" | "producer" | "consumer";
  /** Microseconds since the Unix epoch. */
  readonly startUs: number;
  readonly durationUs: number;
  readonly failed: boolean;
  readonly message: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** Spans in order of time, from the services that remember them. */
export interface PlatformTrace {
  readonly traceId: string;
  readonly spans: readonly TraceSpan[];
  readonly dropped: number;
  /** Services that did not answer. */
  readonly silent: readonly string[];
}
