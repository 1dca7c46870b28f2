import { isCodedError } from "@aios/kernel/coded-error";
import {
  type Attributes,
  context,
  defaultTextMapGetter,
  defaultTextMapSetter,
  propagation,
  ROOT_CONTEXT,
  type Span,
  type SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import { logLevelOf } from "./error-mapping.js";

const SCOPE = "@aios/service-kit";

/** Text headers that carry a trace: `traceparent` and, when present, `tracestate`. */
export type TraceHeaders = Readonly<Record<string, string>>;

export interface SpanOptions {
  readonly kind?: SpanKind;
  readonly attributes?: Attributes;
  /** The parent that came over the wire; absent: the span active here. */
  readonly parent?: TraceHeaders;
}

/** Runs `work` inside a span that ends with it and records what it throws. */
export async function inSpan<T>(
  name: string,
  options: SpanOptions,
  work: (span: Span) => Promise<T>,
): Promise<T> {
  return runInSpan(startSpan(name, options), work);
}

/** Runs `work` with `span` active, ends the span with it. */
export async function runInSpan<T>(span: Span, work: (span: Span) => Promise<T>): Promise<T> {
  try {
    return await context.with(trace.setSpan(context.active(), span), () => work(span));
  } catch (error) {
    recordFailure(span, error);
    throw error;
  } finally {
    span.end();
  }
}

/** A span that the caller ends. */
export function startSpan(name: string, options: SpanOptions): Span {
  const parent =
    options.parent === undefined
      ? context.active()
      : propagation.extract(ROOT_CONTEXT, options.parent, defaultTextMapGetter);
  return trace.getTracer(SCOPE).startSpan(
    name,
    {
      ...(options.kind === undefined ? {} : { kind: options.kind }),
      ...(options.attributes === undefined ? {} : { attributes: options.attributes }),
    },
    parent,
  );
}

/** Runs `work` with the span active; errors and the end are the caller's. */
export function withSpanActive<T>(span: Span, work: () => T): T {
  return context.with(trace.setSpan(context.active(), span), work);
}

/** Marks a span failed unless the error is the caller's own. */
export function recordFailure(span: Span, error: unknown): void {
  const level = logLevelOf(error);
  if (isCodedError(error)) span.setAttribute("aios.error.code", error.code);
  if (level === "warn" || level === "error") {
    span.setStatus({
      code: SpanStatusCode.ERROR,
      message: error instanceof Error ? error.message : String(error),
    });
  }
}

/** Headers that continue the trace active here; empty when there is none. */
export function currentTraceHeaders(): TraceHeaders {
  const headers: Record<string, string> = {};
  propagation.inject(context.active(), headers, defaultTextMapSetter);
  return headers;
}

/** Trace id active here, 32 hex digits, or `undefined`. */
export function currentTraceId(): string | undefined {
  return trace.getSpanContext(context.active())?.traceId;
}
