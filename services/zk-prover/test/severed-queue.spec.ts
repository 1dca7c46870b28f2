import { MemoryWorkQueue } from "@aios/core-proving-queue/memory-work-queue";
import { ManualClock } from "@aios/kernel/clock";
import type { TimestampMs } from "@aios/kernel/units";
import { workQueueConformance } from "@aios/testkit/work-queue-conformance";
import { SeveredQueue } from "./support/severed-queue.js";

const idOf = (id: number): string => id.toString(16).padStart(8, "0");

workQueueConformance("SeveredQueue that is not severed", async (limit) => {
  const clock = new ManualClock(1_000_000);
  const shared = new MemoryWorkQueue<number>(clock, limit);
  return {
    queue: new SeveredQueue(shared),
    request: async ({ id, group = 0, fingerprint = 0, priority = 0, deadlineInMs }) => {
      const deadline = deadlineInMs === undefined ? undefined : ((clock.now() + deadlineInMs) as TimestampMs);
      const kind = { group: String(group), fingerprint: String(fingerprint), priority, deadline };
      shared.request({ id: idOf(id), ...kind, work: id });
      // Requests have an order in time.
      clock.advance(1);
    },
    complete: (claim) => shared.complete(claim),
    idOf,
    groupOf: String,
    now: () => clock.now(),
    pass: async (durationMs) => clock.advance(durationMs),
    close: async () => undefined,
  };
});
