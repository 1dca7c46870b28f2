import { setTimeout as wait } from "node:timers/promises";

const POLL_MS = 10;

/** For what has no event to wait for: asks again until `probe` passes, or fails with its last error when time is over. */
export async function eventually<T>(probe: () => T | Promise<T>, timeoutMs = 15_000): Promise<T> {
  const endsAtMs = performance.now() + timeoutMs;
  for (;;) {
    try {
      return await probe();
    } catch (error) {
      if (performance.now() >= endsAtMs) throw error;
    }
    await wait(POLL_MS);
  }
}
