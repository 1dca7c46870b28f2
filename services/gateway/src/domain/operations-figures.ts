import type { CounterSample } from "@aios/core-service-level/counter-increase";
import { OBJECTIVES } from "@aios/core-service-level/objectives";

/** Work that waits somewhere, as a gauge says it. */
export interface QueueDefinition {
  readonly name: string;
  readonly description: string;
  readonly service: string;
  readonly series: string;
}

export const QUEUES: readonly QueueDefinition[] = [
  {
    name: "jobs-waiting",
    description: "funded jobs that no provider has yet",
    service: "compute",
    series: "aios_compute_jobs_waiting",
  },
  {
    name: "jobs-moving",
    description: "jobs that take their next step",
    service: "compute",
    series: "aios_compute_jobs_moving",
  },
  {
    name: "proofs-queued",
    description: "proofs asked for and not made",
    service: "zk-prover",
    series: "aios_zk_prover_queued_proofs",
  },
  {
    name: "receipts-not-anchored",
    description: "receipts that wait for a batch",
    service: "scoring",
    series: "aios_scoring_receipts_not_anchored",
  },
  {
    name: "transactions-pending",
    description: "transactions that wait for a block",
    service: "consensus",
    series: "aios_consensus_mempool_transactions",
  },
];

const LAG = "aios_events_lag_bucket";
export const MEMORY = "aios_process_resident_memory";
export const CHAIN = {
  latest: "aios_consensus_latest_height",
  finalized: "aios_consensus_finalized_height",
  indexed: "aios_economy_indexed_height",
} as const;
export const PROVIDERS_ONLINE = "aios_compute_providers_online";

/** Every series that the page is made of. */
export const SERIES: readonly string[] = [
  ...new Set([
    ...OBJECTIVES.flatMap(({ good, all }) => [good.series, all.series]),
    ...QUEUES.map(({ series }) => series),
    ...Object.values(CHAIN),
    LAG,
    MEMORY,
    PROVIDERS_ONLINE,
  ]),
];

/** The sum of a gauge's samples; null where there are none. */
export function gaugeOf(samples: readonly CounterSample[], series: string): number | null {
  const found = samples.filter((sample) => sample.series === series);
  return found.length === 0 ? null : found.reduce((sum, { value }) => sum + value, 0);
}

export interface TopicLag {
  readonly topic: string;
  /** Events that were handled in the time looked at. */
  readonly handled: number;
  /** Upper bounds, in milliseconds, of the buckets that the quantiles lie in; null beyond the last one. */
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
}

/** How late events were handled between two readings of one process; without an earlier one, since it started. */
export function topicLags(
  now: readonly CounterSample[],
  before: readonly CounterSample[],
): readonly TopicLag[] {
  const earlier = bucketsByTopic(before);
  return [...bucketsByTopic(now)]
    .map(([topic, buckets]) => {
      const known = earlier.get(topic);
      const grown = buckets.map(({ le, count }) => ({
        le,
        count: count - (known?.find((bucket) => bucket.le === le)?.count ?? 0),
      }));
      const handled = grown.at(-1)?.count ?? 0;
      return { topic, handled, p50Ms: quantile(grown, handled, 0.5), p95Ms: quantile(grown, handled, 0.95) };
    })
    .sort((a, b) => a.topic.localeCompare(b.topic));
}

interface Bucket {
  readonly le: number;
  readonly count: number;
}

function bucketsByTopic(samples: readonly CounterSample[]): ReadonlyMap<string, readonly Bucket[]> {
  const topics = new Map<string, Bucket[]>();
  for (const { series, labels, value } of samples) {
    const { topic, le } = labels;
    if (series !== LAG || topic === undefined || le === undefined) continue;
    const bound = le === "+Inf" ? Number.POSITIVE_INFINITY : Number(le);
    topics.set(topic, [...(topics.get(topic) ?? []), { le: bound, count: value }]);
  }
  for (const buckets of topics.values()) buckets.sort((a, b) => a.le - b.le);
  return topics;
}

function quantile(buckets: readonly Bucket[], handled: number, share: number): number | null {
  if (handled <= 0) return null;
  const bound = buckets.find(({ count }) => count >= share * handled)?.le ?? Number.POSITIVE_INFINITY;
  return Number.isFinite(bound) ? bound : null;
}
