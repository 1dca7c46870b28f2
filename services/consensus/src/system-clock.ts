import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "@aios/kernel/clock";
import type { TimestampMs } from "@aios/kernel/units";

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now() as TimestampMs,
  wait: (duration, signal) => sleep(duration, undefined, signal === undefined ? {} : { signal }),
};
