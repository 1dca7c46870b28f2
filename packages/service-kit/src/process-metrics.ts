import { statfs } from "node:fs/promises";
import { totalmem } from "node:os";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { defineMetrics } from "./metrics.js";
import { systemClock } from "./system-clock.js";

const metrics = defineMetrics("process", {
  info: { kind: "gauge", description: "1 for each process, by service and version" },
  startTime: { kind: "gauge", description: "when the process was started, since the Unix epoch", unit: "s" },
  residentMemory: { kind: "gauge", description: "resident memory of the process", unit: "By" },
  memoryLimit: {
    kind: "gauge",
    description: "memory that the process may take: the limit of its container, or the machine's",
    unit: "By",
  },
  heapUsed: { kind: "gauge", description: "JavaScript heap in use", unit: "By" },
  diskFree: { kind: "gauge", description: "free space where the process keeps its files", unit: "By" },
  diskTotal: { kind: "gauge", description: "size of the disk where the process keeps its files", unit: "By" },
  cpuTime: { kind: "gauge", description: "processor time used so far", unit: "s" },
  eventLoopDelayP99: {
    kind: "gauge",
    description: "99th percentile of event loop delay since the last reading",
    unit: "ms",
  },
});

export interface ProcessFacts {
  readonly service: string;
  /** Absent: what it runs is not told. */
  readonly version?: string;
  /** Where it keeps its files; absent: it keeps none. */
  readonly dataDirectory?: string;
}

/** Reads memory, disk, processor time and event loop delay whenever metrics are read. */
export function observeProcess({ service, version = "", dataDirectory }: ProcessFacts): void {
  const delay = monitorEventLoopDelay({ resolution: 20 });
  delay.enable();
  metrics.info.set(1, { service, version });
  const startedAtS = Math.round(systemClock.now() / 1_000 - process.uptime());
  metrics.startTime.observe(() => startedAtS);
  metrics.residentMemory.observe(() => process.memoryUsage.rss());
  metrics.memoryLimit.observe(memoryLimit);
  metrics.heapUsed.observe(() => process.memoryUsage().heapUsed);
  if (dataDirectory !== undefined) observeDisk(dataDirectory);
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

/** Without a limit, Node answers 0 or more than there is. */
function memoryLimit(): number {
  const limit = process.constrainedMemory();
  return limit > 0 && limit < totalmem() ? limit : totalmem();
}

function observeDisk(directory: string): void {
  const read = async (
    of: (disk: { bavail: number; blocks: number }) => number,
  ): Promise<number | undefined> => {
    try {
      const disk = await statfs(directory);
      return of(disk) * disk.bsize;
    } catch {
      // Made later, or just gone.
      return undefined;
    }
  };
  metrics.diskFree.observe(() => read(({ bavail }) => bavail));
  metrics.diskTotal.observe(() => read(({ blocks }) => blocks));
}
