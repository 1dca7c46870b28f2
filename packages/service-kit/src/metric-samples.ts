import type { Attributes } from "@opentelemetry/api";
import { DataPointType, type MetricData, type ResourceMetrics } from "@opentelemetry/sdk-metrics";

/** One value of one series, named as Prometheus names it. */
export interface MetricSample {
  readonly series: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** The samples of the wanted series: counters end in `_total`, histograms in `_bucket` (cumulative), `_sum`, `_count`. */
export function samplesOf(
  { scopeMetrics }: Pick<ResourceMetrics, "scopeMetrics">,
  wanted: ReadonlySet<string>,
): readonly MetricSample[] {
  return scopeMetrics
    .flatMap(({ metrics }) => metrics)
    .flatMap((metric) => samplesOfMetric(metric))
    .filter(({ series }) => wanted.has(series));
}

function samplesOfMetric(metric: MetricData): readonly MetricSample[] {
  const { name } = metric.descriptor;
  switch (metric.dataPointType) {
    case DataPointType.HISTOGRAM:
      return metric.dataPoints.flatMap(({ attributes, value }) => {
        const labels = labelsOf(attributes);
        let cumulative = 0;
        const buckets = value.buckets.counts.map((count, index) => {
          cumulative += count;
          const le = String(value.buckets.boundaries[index] ?? "+Inf");
          return { series: `${name}_bucket`, labels: { ...labels, le }, value: cumulative };
        });
        return [
          ...buckets,
          { series: `${name}_sum`, labels, value: value.sum ?? 0 },
          { series: `${name}_count`, labels, value: value.count },
        ];
      });
    case DataPointType.SUM: {
      const series = metric.isMonotonic ? `${name}_total` : name;
      return metric.dataPoints.map(({ attributes, value }) => ({
        series,
        labels: labelsOf(attributes),
        value,
      }));
    }
    case DataPointType.GAUGE:
      return metric.dataPoints.map(({ attributes, value }) => ({
        series: name,
        labels: labelsOf(attributes),
        value,
      }));
    default:
      return [];
  }
}

function labelsOf(attributes: Attributes): Record<string, string> {
  return Object.fromEntries(Object.entries(attributes).map(([label, value]) => [label, String(value)]));
}
