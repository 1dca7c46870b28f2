import { defineMetrics } from "@aios/service-kit/metrics";

/** Every instrument of the gateway. */
export const metrics = defineMetrics("gateway", {
  requestDuration: {
    kind: "histogram",
    description: "Time from request to answer, by operation and status",
    unit: "ms",
  },
  rateLimited: { kind: "counter", description: "Requests refused by the rate limit, by operation" },
  uncounted: {
    kind: "counter",
    description: "Reads let through while the rate limiter's backend was away, by operation",
  },
  replayedOutcomes: {
    kind: "counter",
    description: "Mutating calls answered with a stored outcome, by operation",
  },
  graphqlCost: { kind: "histogram", description: "Cost of GraphQL documents, by kind of operation" },
  graphqlRefused: {
    kind: "counter",
    description: "GraphQL documents refused before they were executed, by code",
  },
  openStreams: { kind: "up-down-counter", description: "Progress streams that are open now" },
  contentBytes: { kind: "counter", description: "Content bytes that passed, by direction", unit: "By" },
  expiredRows: { kind: "counter", description: "Expired nonces, sessions and outcomes that were removed" },
});
