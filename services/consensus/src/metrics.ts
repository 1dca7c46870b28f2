import { defineMetrics } from "@aios/service-kit/metrics";

export const metrics = defineMetrics("consensus", {
  latestHeight: { kind: "gauge", description: "height of the latest checkpoint" },
  finalizedHeight: { kind: "gauge", description: "height of the latest checkpoint whose root is attested" },
  mempoolTransactions: { kind: "gauge", description: "transactions that wait" },
  mempoolBytes: { kind: "gauge", description: "bytes of transactions that wait", unit: "By" },
  transactionsExecuted: { kind: "counter", description: "transactions in checkpoints" },
  transactionsDropped: { kind: "counter", description: "transactions that left unexecuted, by reason" },
  gasUsed: { kind: "counter", description: "gas used by transactions" },
  checkpointDuration: {
    kind: "histogram",
    description: "time to execute and store a checkpoint",
    unit: "ms",
  },
  checkpointFailures: { kind: "counter", description: "attempts to make a checkpoint that failed" },
  offences: { kind: "counter", description: "offences of honor nodes that were proven here, by kind" },
  packetsRefused: { kind: "counter", description: "packets of honor nodes that were refused, by reason" },
  rpcDuration: { kind: "histogram", description: "time of a JSON-RPC call, by method", unit: "ms" },
  rpcThreadEnds: {
    kind: "counter",
    description: "times that the thread that serves JSON-RPC ended by itself",
  },
  rpcErrors: { kind: "counter", description: "JSON-RPC calls answered with an error, by method and code" },
});
