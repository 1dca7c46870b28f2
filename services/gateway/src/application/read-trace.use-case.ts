import type { AttributedTrace, ProcessSource, TraceSpan } from "../domain/process-source.js";

const ANSWER_WITHIN_MS = 2_000;
const JOB_ATTRIBUTE = "aios.job.id";
const MOST_SPANS = 2_000;

export interface PlatformTrace {
  readonly spans: readonly (TraceSpan & { readonly service: string })[];
  /** Spans that no longer fitted, here or in a service's memory. */
  readonly dropped: number;
  /** Services that did not answer; their spans are missing. */
  readonly silent: readonly string[];
}

/** Puts a trace together from what each service remembers of it, in order of time. */
export class ReadTrace {
  constructor(private readonly sources: readonly ProcessSource[]) {}

  async read(traceId: string): Promise<PlatformTrace> {
    const parts = await Promise.all(
      this.sources.map(async (source) => {
        const part = await answered(source.trace(traceId, AbortSignal.timeout(ANSWER_WITHIN_MS)));
        return { service: source.name, part };
      }),
    );
    const spans = parts
      .flatMap(({ service, part }) => (part?.spans ?? []).map((span) => ({ ...span, service })))
      .sort((a, b) => a.startUs - b.startUs);
    const dropped = parts.reduce((sum, { part }) => sum + (part?.dropped ?? 0), 0);
    return {
      spans: spans.slice(0, MOST_SPANS),
      dropped: dropped + Math.max(0, spans.length - MOST_SPANS),
      silent: parts.filter(({ part }) => part === undefined).map(({ service }) => service),
    };
  }

  /** Jobs that the services remember a trace of, the latest first. */
  async jobs(limit: number): Promise<readonly AttributedTrace[]> {
    const lists = await Promise.all(
      this.sources.map((source) =>
        answered(source.traces(JOB_ATTRIBUTE, limit, AbortSignal.timeout(ANSWER_WITHIN_MS))),
      ),
    );
    const jobs = new Map<string, AttributedTrace>();
    for (const trace of lists.flatMap((list) => list ?? [])) {
      const known = jobs.get(trace.value);
      jobs.set(trace.value, known === undefined ? trace : union(known, trace));
    }
    return [...jobs.values()].sort((a, b) => b.startedAtMs - a.startedAtMs).slice(0, limit);
  }
}

/** A service that does not answer, or is too old to, leaves a gap, which the answer names. */
async function answered<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch {
    return undefined;
  }
}

function union(a: AttributedTrace, b: AttributedTrace): AttributedTrace {
  return {
    ...a,
    startedAtMs: Math.min(a.startedAtMs, b.startedAtMs),
    lastEndedAtMs: Math.max(a.lastEndedAtMs, b.lastEndedAtMs),
    failed: a.failed || b.failed,
  };
}
