import { defineMetrics } from "@aios/service-kit/metrics";

export const metrics = defineMetrics("zk-prover", {
  proofsEnded: { kind: "counter", description: "pieces of proof work that ended, by outcome" },
  keysEnded: { kind: "counter", description: "pieces of key set-up work that ended, by outcome" },
  proveDuration: { kind: "histogram", description: "witness and proof", unit: "ms" },
  keyLoadDuration: {
    kind: "histogram",
    description: "fetching and loading a model and its key that were not in memory",
    unit: "ms",
  },
  queuedProofs: { kind: "gauge", description: "proofs that are asked for and not ended" },
  loadedModels: { kind: "gauge", description: "models whose keys lie ready in memory" },
  queueProblems: { kind: "counter", description: "failed tries to reach the work queue" },
});
