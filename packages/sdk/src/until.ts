import { CodedError, isCodedError } from "@aios/kernel/coded-error";
import { pause } from "./http-transport.js";
import { monotonicMs } from "./machine-clock.js";

export interface WaitOptions<T> {
  /** Default 2 minutes. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Called with every state that was read. */
  readonly onChange?: (value: T) => void;
}

const FIRST_INTERVAL_MS = 100;
const LONGEST_INTERVAL_MS = 1_000;

/**
 * Reads a resource until it satisfies the condition; the interval grows from 0.1 s to 1 s. A platform that is
 * unavailable in between is asked again until the time is over. Throws `wait-timed-out`.
 */
export async function until<T>(
  read: () => Promise<T>,
  done: (value: T) => boolean,
  options: WaitOptions<T> = {},
): Promise<T> {
  const timeoutMs = options.timeoutMs ?? 120_000;
  const deadline = monotonicMs() + timeoutMs;
  for (let interval = FIRST_INTERVAL_MS; ; interval = Math.min(LONGEST_INTERVAL_MS, interval * 1.5)) {
    try {
      const value = await read();
      options.onChange?.(value);
      if (done(value)) return value;
    } catch (error) {
      if (!isCodedError(error) || error.kind !== "unavailable") throw error;
    }
    if (monotonicMs() + interval > deadline) {
      throw new CodedError({
        code: "wait-timed-out",
        kind: "timeout",
        message: `It did not happen within ${timeoutMs} ms. It may still happen; ask again.`,
        details: { timeoutMs },
      });
    }
    await pause(interval, options.signal);
  }
}
