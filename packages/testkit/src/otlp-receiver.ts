import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";

export interface ReceivedSpan {
  readonly service: string;
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  /** 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  readonly kind: number;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  readonly failed: boolean;
}

export interface OtlpReceiver {
  /** For `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  readonly url: string;
  spans(): readonly ReceivedSpan[];
  /** Resolves with a trace's spans as soon as they satisfy the predicate. */
  awaitTrace(
    complete: (spans: readonly ReceivedSpan[]) => boolean,
    timeoutMs?: number,
  ): Promise<readonly ReceivedSpan[]>;
  close(): Promise<void>;
}

const LARGEST_BODY_BYTES = 16 * 1024 ** 2;
const SPANS_KEPT = 50_000;

/** An OTLP/HTTP collector (JSON) that keeps the spans it receives, for tests that assert a whole path. */
export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = [];
  const listeners = new Set<() => void>();
  const server = createServer((request, response) => {
    receive(request).then(
      (body) => {
        if (request.url === "/v1/traces") spans.push(...spansOf(body));
        if (spans.length > SPANS_KEPT) spans.splice(0, spans.length - SPANS_KEPT);
        response.writeHead(200, { "content-type": "application/json" }).end("{}");
        for (const listener of listeners) listener();
      },
      () => response.writeHead(400).end(),
    );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const traces = (): ReadonlyMap<string, readonly ReceivedSpan[]> => {
    const byTrace = new Map<string, ReceivedSpan[]>();
    for (const span of spans) byTrace.set(span.traceId, [...(byTrace.get(span.traceId) ?? []), span]);
    return byTrace;
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans: () => spans,
    awaitTrace: (complete, timeoutMs = 15_000) =>
      new Promise((resolve, reject) => {
        const done = (): void => {
          clearTimeout(timer);
          listeners.delete(look);
        };
        const look = (): void => {
          for (const trace of traces().values()) {
            if (!complete(trace)) continue;
            done();
            resolve(trace);
            return;
          }
        };
        const timer = setTimeout(() => {
          done();
          const seen = spans.map((span) => `${span.traceId.slice(0, 8)} ${span.service}: ${span.name}`);
          reject(new Error(`no trace was complete within ${timeoutMs} ms; received:\n${seen.join("\n")}`));
        }, timeoutMs);
        listeners.add(look);
        look();
      }),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

async function receive(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > LARGEST_BODY_BYTES) throw new Error("the body is too large");
    chunks.push(chunk);
  }
  const body = Buffer.concat(chunks);
  const plain = request.headers["content-encoding"] === "gzip" ? gunzipSync(body) : body;
  return JSON.parse(plain.toString("utf8")) as unknown;
}

interface OtlpValue {
  readonly stringValue?: string;
  readonly intValue?: string | number;
  readonly doubleValue?: number;
  readonly boolValue?: boolean;
}

interface OtlpAttribute {
  readonly key: string;
  readonly value: OtlpValue;
}

interface OtlpTraces {
  readonly resourceSpans?: readonly {
    readonly resource?: { readonly attributes?: readonly OtlpAttribute[] };
    readonly scopeSpans?: readonly {
      readonly spans?: readonly {
        readonly name: string;
        readonly traceId: string;
        readonly spanId: string;
        readonly parentSpanId?: string;
        readonly kind?: number;
        readonly attributes?: readonly OtlpAttribute[];
        readonly status?: { readonly code?: number };
      }[];
    }[];
  }[];
}

function spansOf(body: unknown): ReceivedSpan[] {
  return ((body as OtlpTraces).resourceSpans ?? []).flatMap(({ resource, scopeSpans }) => {
    const service = String(attributesOf(resource?.attributes)["service.name"] ?? "");
    return (scopeSpans ?? []).flatMap(({ spans }) =>
      (spans ?? []).map((span) => ({
        service,
        name: span.name,
        traceId: span.traceId,
        spanId: span.spanId,
        parentSpanId: span.parentSpanId === "" ? undefined : span.parentSpanId,
        kind: span.kind ?? 0,
        attributes: attributesOf(span.attributes),
        failed: span.status?.code === 2,
      })),
    );
  });
}

function attributesOf(attributes: readonly OtlpAttribute[] = []): Record<string, string | number | boolean> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [
      key,
      value.stringValue ?? value.boolValue ?? Number(value.doubleValue ?? value.intValue ?? Number.NaN),
    ]),
  );
}
