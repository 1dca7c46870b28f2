import { MemoryWorkQueue } from "@aios/core-proving-queue/memory-work-queue";
import { ManualClock } from "@aios/kernel/clock";
import type { TimestampMs } from "@aios/kernel/units";
import { workQueueConformance } from "./work-queue-conformance.js";

const idOf = (id: number): string => id.toString(16).padStart(8, "0");

workQueueConformance("MemoryWorkQueue", async (limit) => {
  const clock = new ManualClock(1_000_000);
  const queue = new MemoryWorkQueue<number>(clock, limit);
  return {
    queue,
    request: async ({ id, group = 0, fingerprint = 0, priority = 0, deadlineInMs }) => {
      const deadline = deadlineInMs === undefined ? undefined : ((clock.now() + deadlineInMs) as TimestampMs);
      queue.request({
        id: idOf(id),
        group: String(group),
        fingerprint: String(fingerprint),
        priority,
        deadline,
        work: id,
      });
      // Requests have an order in time.
      clock.advance(1);
    },
    complete: (claim) => queue.complete(claim),
    idOf,
    groupOf: String,
    now: () => clock.now(),
    pass: async (durationMs) => clock.advance(durationMs),
    close: async () => undefined,
  };
});
