import { context, metrics, propagation, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { PrometheusExporter, PrometheusSerializer } from "@opentelemetry/exporter-prometheus";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { MeterProvider, type MetricReader } from "@opentelemetry/sdk-metrics";
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  type SpanProcessor,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import { type MetricSample, samplesOf } from "./metric-samples.js";
import { SpanStore } from "./span-store.js";

export interface TelemetryOptions {
  readonly service: string;
  readonly instanceId: string;
  /** Base URL of an OTLP/HTTP collector; absent: nothing is exported. */
  readonly otlpEndpoint: string | undefined;
  readonly samplePercent: number;
}

export interface Telemetry {
  /** Prometheus text of every metric. */
  prometheusText(): Promise<string>;
  /** Values of some series now. */
  samples(series: ReadonlySet<string>): Promise<readonly MetricSample[]>;
  /** The latest spans of this process. */
  readonly spans: SpanStore;
  /** Sends what is buffered. */
  flush(): Promise<void>;
  shutdown(): Promise<void>;
}

/** Starts traces and metrics of this process; once per process. */
export async function startTelemetry(options: TelemetryOptions): Promise<Telemetry> {
  const prometheus = new PrometheusExporter({ preventServerStart: true });
  const serializer = new PrometheusSerializer(undefined, false, undefined, true, true);
  const exported = await exporters(options);
  const spans = new SpanStore();
  const spanProcessors = [spans, ...exported.spanProcessors];
  const resource = resourceFromAttributes({
    "service.name": options.service,
    "service.namespace": "aios",
    "service.instance.id": options.instanceId,
  });
  const sampler = new ParentBasedSampler({
    root: new TraceIdRatioBasedSampler(options.samplePercent / 100),
  });
  const tracerProvider = new TracerProvider({ resource, sampler, spanProcessors });
  const meterProvider = new MeterProvider({ resource, readers: [prometheus, ...exported.readers] });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  trace.setGlobalTracerProvider(tracerProvider);
  metrics.setGlobalMeterProvider(meterProvider);
  return {
    spans,
    async prometheusText() {
      const { resourceMetrics, errors } = await prometheus.collect();
      if (errors.length > 0) throw new AggregateError(errors, "some metrics could not be collected");
      return serializer.serialize(resourceMetrics);
    },
    async samples(series) {
      // A gauge whose backend is away is left out; the others are still wanted then, more than ever.
      return series.size === 0 ? [] : samplesOf((await prometheus.collect()).resourceMetrics, series);
    },
    async flush() {
      await Promise.all(spanProcessors.map((processor) => processor.forceFlush()));
    },
    async shutdown() {
      await Promise.all([tracerProvider.shutdown(), meterProvider.shutdown()]);
    },
  };
}

/** The exporters and their dependencies cost memory, so they are loaded only where something is exported. */
async function exporters(
  options: TelemetryOptions,
): Promise<{ spanProcessors: SpanProcessor[]; readers: MetricReader[] }> {
  if (options.otlpEndpoint === undefined) return { spanProcessors: [], readers: [] };
  const [{ OTLPTraceExporter }, { OTLPMetricExporter }, { PeriodicExportingMetricReader }] =
    await Promise.all([
      import("@opentelemetry/exporter-trace-otlp-http"),
      import("@opentelemetry/exporter-metrics-otlp-http"),
      import("@opentelemetry/sdk-metrics"),
    ]);
  const base = options.otlpEndpoint.replace(/\/+$/, "");
  return {
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: new OTLPTraceExporter({ url: `${base}/v1/traces`, timeoutMillis: 5_000 }),
        maxQueueSize: 4_096,
        maxExportBatchSize: 512,
        scheduledDelayMillis: 500,
        exportTimeoutMillis: 5_000,
      }),
    ],
    readers: [
      new PeriodicExportingMetricReader({
        exporter: new OTLPMetricExporter({ url: `${base}/v1/metrics`, timeoutMillis: 5_000 }),
        exportIntervalMillis: 15_000,
        exportTimeoutMillis: 5_000,
      }),
    ],
  };
}
