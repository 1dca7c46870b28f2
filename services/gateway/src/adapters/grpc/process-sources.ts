import {
  type GetProcessResponse,
  type TelemetryServiceService,
  SpanKind as WireSpanKind,
} from "@aios/proto/aios/telemetry/v1/telemetry";
import type { GrpcClient } from "@aios/service-kit/grpc-client";
import type { ProcessTelemetry } from "@aios/service-kit/process-telemetry";
import { SpanKind } from "@opentelemetry/api";
import type { ProcessFacts, ProcessSource, SpanKindName } from "../../domain/process-source.js";

const WITHIN_MS = 2_000;

const WIRE_NAME: Readonly<Partial<Record<WireSpanKind, SpanKindName>>> = {
  [WireSpanKind.SPAN_KIND_SERVER]: "server",
  [WireSpanKind.SPAN_KIND_CLIENT]: "client",
  [WireSpanKind.SPAN_KIND_PRODUCER]: "producer",
  [WireSpanKind.SPAN_KIND_CONSUMER]: "consumer",
};

const OWN_NAME: Readonly<Record<SpanKind, SpanKindName>> = {
  [SpanKind.INTERNAL]: "internal",
  [SpanKind.SERVER]: "server",
  [SpanKind.CLIENT]: "client",
  [SpanKind.PRODUCER]: "producer",
  [SpanKind.CONSUMER]: "consumer",
};

/** A service behind the gateway, asked over gRPC. */
export function peerSource(name: string, client: GrpcClient<typeof TelemetryServiceService>): ProcessSource {
  const limits = (signal: AbortSignal) => ({ deadlineMs: WITHIN_MS, signal, idempotent: false });
  return {
    name,
    read: async (series, signal) => factsOf(await client.getProcess({ series: [...series] }, limits(signal))),
    traces: async (attribute, limit, signal) =>
      (await client.listTraces({ attribute, limit }, limits(signal))).traces,
    trace: async (traceId, signal) => {
      const { spans, dropped } = await client.getTrace({ traceId }, limits(signal));
      return {
        spans: spans.map(({ kind, ...span }) => ({ ...span, kind: WIRE_NAME[kind] ?? "internal" })),
        dropped,
      };
    },
  };
}

/** This process itself. */
export function ownSource(name: string, telemetry: ProcessTelemetry): ProcessSource {
  return {
    name,
    read: async (series) => {
      const { schema, outbox, deadLetters, disk, certificate, checks, ...report } =
        await telemetry.report(series);
      return {
        ...report,
        checks: checks.map(({ name: check, ok, problem = "" }) => ({ name: check, ok, problem })),
        schema: schema ?? null,
        outbox: outbox ?? null,
        deadLetters: deadLetters ?? null,
        disk: disk ?? null,
        certificate: certificate ?? null,
      };
    },
    traces: async (attribute, limit) => telemetry.traces(attribute, limit),
    trace: async (traceId) => {
      const { spans, dropped } = telemetry.trace(traceId);
      return { spans: spans.map(({ kind, ...span }) => ({ ...span, kind: OWN_NAME[kind] })), dropped };
    },
  };
}

function factsOf(answer: GetProcessResponse): ProcessFacts {
  return {
    version: answer.version,
    instanceId: answer.instanceId,
    startedAtMs: answer.startedAtMs,
    nowMs: answer.nowMs,
    checks: answer.checks.map(({ name, ok, problem }) => ({ name, ok, problem })),
    samples: answer.samples,
    schema: answer.schema ?? null,
    outbox: answer.outbox ?? null,
    deadLetters: answer.deadLetters ?? null,
    disk: answer.disk ?? null,
    certificate: answer.certificate ?? null,
  };
}
