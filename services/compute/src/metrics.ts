import { defineMetrics } from "@aios/service-kit/metrics";

/** Every instrument of this service. */
export const metrics = defineMetrics("compute", {
  jobsPrepared: { kind: "counter", description: "jobs prepared, by kind and verification" },
  ordersAdmitted: {
    kind: "gauge",
    description: "orders that are prepared or placed now, or wait for their turn",
  },
  jobsEnded: { kind: "counter", description: "jobs that ended, by state and kind" },
  jobDuration: {
    kind: "histogram",
    description: "time from placing a job to its settlement, by kind",
    unit: "ms",
    buckets: [250, 500, 1_000, 2_000, 3_000, 5_000, 10_000, 30_000, 60_000, 120_000, 300_000, 600_000],
  },
  jobsWaiting: { kind: "gauge", description: "funded jobs that no provider has yet" },
  jobsMoving: { kind: "gauge", description: "jobs that the engine moves or has queued" },
  placements: { kind: "counter", description: "placement decisions, by outcome" },
  placementDuration: {
    kind: "histogram",
    description: "time of one placement with its lock and writes",
    unit: "ms",
  },
  marketCorrections: {
    kind: "counter",
    description: "choices that were made again because the stored facts of a provider had moved on",
  },
  providersKnown: { kind: "gauge", description: "providers in the market, online or not" },
  leasesGranted: { kind: "counter", description: "leases that reached the chain" },
  leasesEnded: { kind: "counter", description: "leases and offers that ended without settlement, by reason" },
  chainWrites: { kind: "counter", description: "steps handed to the relayer, by step and outcome" },
  permitsOvertaken: {
    kind: "counter",
    description:
      "orders whose permit another one overtook on its way to the chain, and that were signed anew",
  },
  proofs: { kind: "counter", description: "proofs that ended, by outcome" },
  stepRetries: { kind: "counter", description: "steps that have to be repeated, by error code" },
  resultsRefused: { kind: "counter", description: "results of providers that were refused, by error code" },
  providersOnline: { kind: "gauge", description: "providers with an open link" },
  linkMessages: { kind: "counter", description: "messages over provider links, by direction and kind" },
});
