import { X509Certificate } from "node:crypto";
import { readFile, statfs } from "node:fs/promises";
import { CodedError } from "@aios/kernel/coded-error";
import type { EventBus } from "./event-bus.js";
import type { HealthRegistry, HealthReport } from "./health.js";
import type { MetricSample } from "./metric-samples.js";
import { describeSchema, type SchemaState } from "./migrate.js";
import type { OutboxRelay } from "./outbox-relay.js";
import type { PostgresPool } from "./postgres-pool.js";
import type { SpanStore, StoredSpan, TraceSummary } from "./span-store.js";

/** What one process knows of itself. A part that it does not have, or cannot read just now, is absent. */
export interface ProcessReport {
  readonly service: string;
  readonly version: string;
  readonly instanceId: string;
  readonly startedAtMs: number;
  readonly nowMs: number;
  readonly checks: HealthReport["checks"];
  readonly samples: readonly MetricSample[];
  readonly schema: SchemaState | undefined;
  readonly outbox: { readonly events: number; readonly oldestAgeMs: number } | undefined;
  readonly deadLetters: { readonly events: number; readonly limit: number } | undefined;
  readonly disk:
    | { readonly directory: string; readonly freeBytes: number; readonly totalBytes: number }
    | undefined;
  /** The certificate that it shows to other services. */
  readonly certificate: { readonly notAfterMs: number } | undefined;
}

export interface ProcessTelemetryParts {
  readonly service: string;
  readonly version: string;
  readonly instanceId: string;
  readonly startedAtMs: number;
  readonly dataDirectory: string;
  readonly certificateFile: string | undefined;
  readonly health: HealthRegistry;
  readonly spans: SpanStore;
  readonly now: () => number;
  readonly samples: (series: ReadonlySet<string>) => Promise<readonly MetricSample[]>;
  readonly pool: PostgresPool | undefined;
  readonly migrationsDir: URL | undefined;
  readonly relay: OutboxRelay | undefined;
  readonly events: EventBus | undefined;
}

type SlowFact = "schema" | "deadLetters" | "certificate";

const MOST_SERIES = 64;
const MOST_TRACES = 100;
const DEAD_LETTERS_COUNTED = 100;
const SLOW_FACT_REUSE_MS = 15_000;

/** Answers the telemetry service's questions of one process. What costs a query is asked at most every 15 s. */
export class ProcessTelemetry {
  readonly #parts: ProcessTelemetryParts;
  readonly #slow: () => Promise<Pick<ProcessReport, SlowFact>>;

  constructor(parts: ProcessTelemetryParts) {
    this.#parts = parts;
    this.#slow = reused(SLOW_FACT_REUSE_MS, parts.now, () => this.#readSlow());
  }

  /** Throws `too-many-series` for more than 64. */
  async report(series: readonly string[]): Promise<ProcessReport> {
    if (series.length > MOST_SERIES) throw tooMany("series", MOST_SERIES);
    const { service, version, instanceId, startedAtMs, health, now, relay } = this.#parts;
    const [{ checks }, samples, slow, outbox, disk] = await Promise.all([
      health.report(),
      this.#parts.samples(new Set(series)),
      this.#slow(),
      readable(relay?.backlog()),
      readable(this.#disk()),
    ]);
    return {
      service,
      version,
      instanceId,
      startedAtMs,
      nowMs: now(),
      checks,
      samples,
      ...slow,
      outbox,
      disk,
    };
  }

  /** Throws `too-many-traces` for more than 100. */
  traces(attribute: string, limit: number): readonly TraceSummary[] {
    if (limit > MOST_TRACES) throw tooMany("traces", MOST_TRACES);
    return this.#parts.spans.list(attribute, limit);
  }

  trace(traceId: string): { readonly spans: readonly StoredSpan[]; readonly dropped: number } {
    return this.#parts.spans.trace(traceId);
  }

  async #readSlow(): Promise<Pick<ProcessReport, SlowFact>> {
    const { service, pool, migrationsDir, events, certificateFile } = this.#parts;
    const [schema, letters, certificate] = await Promise.all([
      readable(
        pool === undefined || migrationsDir === undefined ? undefined : describeSchema(migrationsDir, pool),
      ),
      readable(events?.listDeadLetters({ group: service, limit: DEAD_LETTERS_COUNTED })),
      readable(certificateFile === undefined ? undefined : certificateOf(certificateFile)),
    ]);
    const deadLetters =
      letters === undefined ? undefined : { events: letters.length, limit: DEAD_LETTERS_COUNTED };
    return { schema, deadLetters, certificate };
  }

  async #disk(): Promise<ProcessReport["disk"]> {
    const directory = this.#parts.dataDirectory;
    const { bavail, blocks, bsize } = await statfs(directory);
    return { directory, freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  }
}

/** The first of the chain is the process's own. */
async function certificateOf(file: string): Promise<{ readonly notAfterMs: number }> {
  return { notAfterMs: Date.parse(new X509Certificate(await readFile(file)).validTo) };
}

/** A backend that is away is the health checks' to tell; here its facts are missing. */
async function readable<T>(work: Promise<T> | undefined): Promise<T | undefined> {
  try {
    return await work;
  } catch {
    return undefined;
  }
}

function reused<T>(forMs: number, now: () => number, read: () => Promise<T>): () => Promise<T> {
  let recent: { readonly atMs: number; readonly value: Promise<T> } | undefined;
  return () => {
    if (recent === undefined || now() - recent.atMs > forMs) recent = { atMs: now(), value: read() };
    return recent.value;
  };
}

function tooMany(what: string, limit: number): CodedError {
  return new CodedError({
    code: `too-many-${what}`,
    kind: "invalid",
    message: `Ask for at most ${limit} ${what} at once.`,
    details: { limit },
  });
}
