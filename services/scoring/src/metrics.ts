import { defineMetrics } from "@aios/service-kit/metrics";

export const metrics = defineMetrics("scoring", {
  receiptsCounted: { kind: "counter", description: "receipts that passed every check" },
  receiptsRefused: { kind: "counter", description: "receipts that count for nothing, by reason" },
  receiptsNotAnchored: { kind: "gauge", description: "counted receipts that wait for a batch" },
  problems: {
    kind: "counter",
    description: "times a peer or the database kept receipts from being anchored",
  },
});
