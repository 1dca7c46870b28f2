import type { ReceivedSpan } from "@aios/testkit/otlp-receiver";

/** `service: name` of a span and of all that led to it, the first cause first. */
export function ancestryOf(span: ReceivedSpan, spans: readonly ReceivedSpan[]): string[] {
  const byId = new Map(spans.map((one) => [one.spanId, one]));
  const line: string[] = [];
  for (let at: ReceivedSpan | undefined = span; at !== undefined; at = byId.get(at.parentSpanId ?? ""))
    line.unshift(`${at.service}: ${at.name}`);
  return line;
}
