import { monitorEventLoopDelay } from "node:perf_hooks";
import { defineMetrics } from "./metrics.js";

const metrics = defineMetrics("process", {
  residentMemory: { kind: "gauge", description: "resident memory of the process", unit: "By" },
  heapUsed: { kind: "gauge", description: "JavaScript heap in use", unit: "By" },
  cpuTime: { kind: "gauge", description: "processor time used so far", unit: "s" },
  eventLoopDelayP99: {
    kind: "gauge",
    description: "99th percentile of event loop delay since the last reading",
    unit: "ms",
  },
});

/** Reads memory, processor time and event loop delay whenever metrics are read. */
export function observeProcess(): void {
  const delay = monitorEventLoopDelay({ resolution: 20 });
  delay.enable();
  metrics.residentMemory.observe(() => process.memoryUsage.rss());
  metrics.heapUsed.observe(() => process.memoryUsage().heapUsed);
  metrics.cpuTime.observe(() => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1_000_000;
  });
  metrics.eventLoopDelayP99.observe(() => {
    const value = delay.percentile(99) / 1_000_000;
    delay.reset();
    return value;
  });
}
