import type { Clock } from "@aios/kernel/clock";
import { isCodedError } from "@aios/kernel/coded-error";
import { durationMs } from "@aios/kernel/units";

const PAUSE_MS = 250;

/** Repeats an idempotent call while the platform is away, as a careful client does; gives up after the time. */
export async function persistently<T>(clock: Clock, call: () => Promise<T>, withinMs = 60_000): Promise<T> {
  const deadline = clock.now() + withinMs;
  for (;;) {
    try {
      return await call();
    } catch (error) {
      const passing =
        isCodedError(error) &&
        (error.errorClass === "operational" ||
          error.kind === "rate-limited" ||
          error.code === "request-in-flight");
      if (!passing || clock.now() > deadline) throw error;
      await clock.wait(
        durationMs(isCodedError(error) ? Math.max(PAUSE_MS, error.retryAfterMs ?? 0) : PAUSE_MS),
      );
    }
  }
}
