import type { DurationMs, TimestampMs } from "./units.js";

/** Time as a dependency. Chain time (`chain-clock.ts`) is another implementation of the same port. */
export interface Clock {
  now(): TimestampMs;
  /** Resolves after the duration, or rejects with the signal's reason when it aborts first. */
  wait(duration: DurationMs, signal?: AbortSignal): Promise<void>;
}

/** A clock that moves only when told to; waiters wake in order of their deadline. */
export class ManualClock implements Clock {
  #now: number;
  #waiters: { readonly at: number; readonly wake: () => void }[] = [];

  constructor(startMs = 0) {
    this.#now = startMs;
  }

  now(): TimestampMs {
    return this.#now as TimestampMs;
  }

  wait(duration: DurationMs, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(signal.reason);
      const waiter = { at: this.#now + duration, wake: resolve };
      this.#waiters.push(waiter);
      signal?.addEventListener(
        "abort",
        () => {
          this.#waiters = this.#waiters.filter((other) => other !== waiter);
          reject(signal.reason);
        },
        { once: true },
      );
    });
  }

  /** Moves time forward and wakes everyone whose deadline has passed. */
  advance(durationMs: number): void {
    this.#now += durationMs;
    const due = this.#waiters.filter((waiter) => waiter.at <= this.#now).sort((a, b) => a.at - b.at);
    this.#waiters = this.#waiters.filter((waiter) => waiter.at > this.#now);
    for (const waiter of due) waiter.wake();
  }
}
