import { defineMetrics } from "@aios/service-kit/metrics";

export const metrics = defineMetrics("economy", {
  transactionsSent: { kind: "counter", description: "transactions signed, stored and broadcast, by signer" },
  transactionsReplaced: {
    kind: "counter",
    description: "stuck transactions replaced at a higher fee, by signer",
  },
  transactionsRefused: {
    kind: "counter",
    description: "transactions refused for good, by signer and error code",
  },
  sponsorshipsRefused: {
    kind: "counter",
    description: "calls refused because the platform paid enough gas for their account in a day, by function",
  },
  indexedHeight: { kind: "gauge", description: "number of the last indexed block" },
  headHeight: { kind: "gauge", description: "number of the chain's head as last seen" },
  finalizedHeight: { kind: "gauge", description: "number of the last block indexed as final" },
  blocksUndone: {
    kind: "counter",
    description: "indexed blocks taken back because the chain went another way",
  },
  chainProblems: {
    kind: "counter",
    description: "times the node or the database kept the chain half from working",
  },
});
