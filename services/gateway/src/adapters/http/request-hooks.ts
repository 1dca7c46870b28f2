import { monotonicMs } from "@aios/service-kit/system-clock";
import { startSpan } from "@aios/service-kit/tracing";
import { SpanKind } from "@opentelemetry/api";
import type { FastifyInstance } from "fastify";
import { metrics } from "../../metrics.js";

const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const SECURITY_HEADERS = {
  "content-security-policy": CONTENT_SECURITY_POLICY,
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=()",
};

/** What every request gets, whether a route takes it or not: a span, a signal for its caller's leaving, headers, a metric. */
export function addRequestHooks(fastify: FastifyInstance, corsOrigins: readonly string[]): void {
  fastify.addHook("onRequest", (request, reply, done) => {
    const { traceparent, tracestate } = request.headers;
    const parent =
      typeof traceparent === "string"
        ? { traceparent, ...(typeof tracestate === "string" ? { tracestate } : {}) }
        : undefined;
    const span = startSpan(`${request.method} ${request.routeOptions.url ?? "unknown"}`, {
      kind: SpanKind.SERVER,
      attributes: {
        "http.request.method": request.method,
        "http.route": request.routeOptions.url ?? "unknown",
      },
      ...(parent === undefined ? {} : { parent }),
    });
    const gone = new AbortController();
    reply.raw.once("close", () => {
      if (!reply.raw.writableEnded) gone.abort(new Error("the caller went away"));
    });
    request.span = span;
    request.traceId = span.spanContext().traceId;
    request.gone = gone.signal;
    request.startedAt = monotonicMs();
    void reply.headers({ ...SECURITY_HEADERS, "x-trace-id": request.traceId });
    const origin = request.headers.origin;
    if (origin !== undefined && corsOrigins.includes(origin)) {
      void reply.headers({
        "access-control-allow-origin": origin,
        "access-control-expose-headers": "retry-after, x-trace-id, idempotency-replayed, etag",
        "cross-origin-resource-policy": "cross-origin",
        vary: "origin",
      });
      if (request.method === "OPTIONS") {
        void reply
          .status(204)
          .headers({
            "access-control-allow-methods": "GET, POST, PUT, OPTIONS",
            "access-control-allow-headers":
              "authorization, content-type, idempotency-key, last-event-id, x-aios-category, x-aios-encrypted, x-aios-media-type, traceparent",
            "access-control-max-age": "600",
          })
          .send();
        return;
      }
    }
    done();
  });
  fastify.addHook("onResponse", (request, reply, done) => {
    const operation = request.routeOptions.url ?? "unknown";
    request.span?.setAttribute("http.response.status_code", reply.statusCode);
    request.span?.end();
    metrics.requestDuration.record(monotonicMs() - (request.startedAt ?? monotonicMs()), {
      operation,
      status: reply.statusCode,
    });
    done();
  });
  fastify.addHook("onSend", (request, reply, payload, done) => {
    // API answers are for their caller alone; files and contents set their own.
    if (reply.getHeader("cache-control") === undefined) void reply.header("cache-control", "no-store");
    done(null, payload);
    void request;
  });
}
