import type { TraceSpan } from "@aios/sdk/operations-types";

/** One line of the waterfall. */
export interface TraceRow {
  readonly span: TraceSpan;
  readonly depth: number;
  /** From the start of the trace. */
  readonly offsetUs: number;
}

export interface TraceTree {
  readonly rows: readonly TraceRow[];
  readonly startUs: number;
  readonly durationUs: number;
}

/** Statements of the database are told from everything else by their name. */
export function isStatement(span: TraceSpan): boolean {
  return span.name.startsWith("postgres ");
}

/**
 * Spans as lines: each below its parent, brothers in order of time. A span whose parent is not among them, because its
 * service forgot it, stands at the top; a span that is its own ancestor is shown once.
 */
export function traceTree(spans: readonly TraceSpan[]): TraceTree {
  const known = new Set(spans.map(({ spanId }) => spanId));
  const children = new Map<string, TraceSpan[]>();
  for (const span of [...spans].sort((a, b) => a.startUs - b.startUs)) {
    const parent = known.has(span.parentSpanId) ? span.parentSpanId : "";
    children.set(parent, [...(children.get(parent) ?? []), span]);
  }
  const startUs = spans.reduce((least, span) => Math.min(least, span.startUs), Number.POSITIVE_INFINITY);
  const endUs = spans.reduce((most, span) => Math.max(most, span.startUs + span.durationUs), 0);
  const rows: TraceRow[] = [];
  const seen = new Set<string>();
  const waiting = (children.get("") ?? []).map((span) => ({ span, depth: 0 })).reverse();
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { span, depth } = next;
    if (seen.has(span.spanId)) continue;
    seen.add(span.spanId);
    rows.push({ span, depth, offsetUs: span.startUs - startUs });
    const below = children.get(span.spanId) ?? [];
    waiting.push(...below.map((child) => ({ span: child, depth: depth + 1 })).reverse());
  }
  return { rows, startUs: rows.length === 0 ? 0 : startUs, durationUs: Math.max(1, endUs - startUs) };
}

/** Round times for the axis: at least two and at most six, from nought, the last within the duration. */
export function axisTicks(durationUs: number): readonly number[] {
  const least = durationUs / 5;
  const magnitude = 10 ** Math.floor(Math.log10(least));
  const step = [1, 2, 5, 10].map((factor) => factor * magnitude).find((each) => each >= least) ?? least;
  const ticks: number[] = [];
  for (let tick = 0; tick <= durationUs; tick += step) ticks.push(tick);
  return ticks;
}
