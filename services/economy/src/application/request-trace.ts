import { inSpan } from "@aios/service-kit/tracing";

/** Runs `work` in a span of the trace that the stored W3C trace context names; in a new trace without one. */
export function inRequestTrace<T>(
  traceparent: string,
  name: string,
  attributes: Readonly<Record<string, string>>,
  work: () => Promise<T>,
): Promise<T> {
  return inSpan(name, traceparent === "" ? { attributes } : { attributes, parent: { traceparent } }, work);
}
