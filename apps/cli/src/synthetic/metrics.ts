import { defineMetrics } from "@aios/service-kit/metrics";

/** Every instrument of the synthetic check. */
export const metrics = defineMetrics("synthetic", {
  runs: { kind: "counter", description: "runs of the synthetic check that ended, by outcome and error code" },
  duration: {
    kind: "histogram",
    description: "time from an order to its checked evidence, of runs that succeeded",
    unit: "ms",
    buckets: [1_000, 2_500, 5_000, 10_000, 20_000, 30_000, 60_000, 120_000, 300_000],
  },
  lastSuccessTime: {
    kind: "gauge",
    description: "when a run last succeeded, since the Unix epoch",
    unit: "s",
  },
  startTime: { kind: "gauge", description: "when the check was started, since the Unix epoch", unit: "s" },
});
