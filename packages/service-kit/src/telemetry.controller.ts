import {
  type GetProcessRequest,
  type GetProcessResponse,
  type GetTraceRequest,
  type GetTraceResponse,
  type ListTracesRequest,
  type ListTracesResponse,
  SpanKind as WireSpanKind,
} from "@aios/proto/aios/telemetry/v1/telemetry";
import { Controller, Inject } from "@nestjs/common";
import { GrpcMethod } from "@nestjs/microservices";
import { SpanKind } from "@opentelemetry/api";
import { AllowCallers } from "./allow-callers.js";
import { SERVICE_CONTEXT, type ServiceContext } from "./service-context.js";

const WIRE_KIND: Readonly<Record<SpanKind, WireSpanKind>> = {
  [SpanKind.INTERNAL]: WireSpanKind.SPAN_KIND_INTERNAL,
  [SpanKind.SERVER]: WireSpanKind.SPAN_KIND_SERVER,
  [SpanKind.CLIENT]: WireSpanKind.SPAN_KIND_CLIENT,
  [SpanKind.PRODUCER]: WireSpanKind.SPAN_KIND_PRODUCER,
  [SpanKind.CONSUMER]: WireSpanKind.SPAN_KIND_CONSUMER,
};

/** Every service that is called answers this too; only the gateway may ask. */
@Controller()
@AllowCallers("gateway")
export class TelemetryController {
  constructor(@Inject(SERVICE_CONTEXT) private readonly context: ServiceContext) {}

  @GrpcMethod("TelemetryService", "GetProcess")
  async process({ series }: GetProcessRequest): Promise<GetProcessResponse> {
    const report = await this.context.telemetry.report(series);
    const schema = report.schema;
    return {
      ...report,
      checks: report.checks.map(({ name, ok, problem = "", durationMs }) => ({
        name,
        ok,
        problem,
        durationMs,
      })),
      samples: report.samples.map(({ labels, ...sample }) => ({ ...sample, labels: { ...labels } })),
      schema:
        schema === undefined
          ? undefined
          : {
              expected: schema.expected,
              missing: [...schema.missing],
              changed: [...schema.changed],
              ahead: [...schema.ahead],
            },
    };
  }

  @GrpcMethod("TelemetryService", "ListTraces")
  async list({ attribute, limit }: ListTracesRequest): Promise<ListTracesResponse> {
    return { traces: [...this.context.telemetry.traces(attribute, limit)] };
  }

  @GrpcMethod("TelemetryService", "GetTrace")
  async trace({ traceId }: GetTraceRequest): Promise<GetTraceResponse> {
    const { spans, dropped } = this.context.telemetry.trace(traceId);
    return {
      spans: spans.map(({ kind, attributes, ...span }) => ({
        ...span,
        kind: WIRE_KIND[kind],
        attributes: { ...attributes },
      })),
      dropped,
    };
  }
}
