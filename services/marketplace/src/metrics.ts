import { defineMetrics } from "@aios/service-kit/metrics";

export const metrics = defineMetrics("marketplace", {
  problems: { kind: "counter", description: "times a peer kept an unfinished step from going on" },
});
