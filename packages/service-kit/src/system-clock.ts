import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "@aios/kernel/clock";
import type { DurationMs, TimestampMs } from "@aios/kernel/units";

const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The machine's clock. */
export class SystemClock implements Clock {
  now(): TimestampMs {
    return Date.now() as TimestampMs;
  }

  async wait(duration: DurationMs, signal?: AbortSignal): Promise<void> {
    let remaining: number = duration;
    do {
      const step = Math.min(remaining, LONGEST_TIMER_MS);
      await sleep(step, undefined, signal === undefined ? undefined : { signal }).catch((error: unknown) => {
        throw signal?.aborted === true ? signal.reason : error;
      });
      remaining -= step;
    } while (remaining > 0);
  }
}

export const systemClock: Clock = new SystemClock();

/**
 * Milliseconds since some moment of this process: never set back, so right for durations and time-outs within it, and
 * meaningless to anyone else. Whatever is stored, sent or compared with a date comes from a `Clock`.
 */
export function monotonicMs(): number {
  return performance.now();
}
