import type { Clock } from "@aios/kernel/clock";
import type { DurationMs } from "@aios/kernel/units";
import { platformBusy } from "../domain/errors.js";

export interface AdmissionSettings {
  /** Orders that are worked on at once. */
  readonly atOnce: number;
  /** Orders that may wait for their turn. */
  readonly mostWaiting: number;
  readonly longestWaitMs: number;
}

/** Least pause that is asked of a client that finds no room. */
const LEAST_RETRY_MS = 1_000;

/**
 * How many orders are taken in at once. Everything behind an order (storage, relayer, chain) has fewer hands than there
 * can be clients: who finds no room is told so at once, and who waits is told after a bounded time, before any
 * caller's own time limit. Nothing was begun then, so the same request can be made again.
 */
export class Admission {
  readonly #settings: AdmissionSettings;
  readonly #clock: Clock;
  readonly #waiting = new Set<() => void>();
  #running = 0;

  constructor(settings: AdmissionSettings, clock: Clock) {
    this.#settings = settings;
    this.#clock = clock;
  }

  /** Orders in work or waiting. */
  get size(): number {
    return this.#running + this.#waiting.size;
  }

  /** Runs the work when there is room, in the order of the calls. Throws `platform-busy` with `retryAfterMs`. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running < this.#settings.atOnce) this.#running += 1;
    else await this.#turn();
    try {
      return await work();
    } finally {
      this.#handOn();
    }
  }

  async #turn(): Promise<void> {
    const { mostWaiting, longestWaitMs } = this.#settings;
    if (this.#waiting.size >= mostWaiting) throw platformBusy(Math.max(LEAST_RETRY_MS, longestWaitMs));
    const called = new AbortController();
    const call = (): void => called.abort();
    this.#waiting.add(call);
    await this.#clock.wait(longestWaitMs as DurationMs, called.signal).catch(() => undefined);
    // Called in the same moment in which its time ran out, it holds the turn that it was given.
    if (!called.signal.aborted) {
      this.#waiting.delete(call);
      throw platformBusy(LEAST_RETRY_MS);
    }
  }

  /** The turn goes to the one that waits longest, or is free again. */
  #handOn(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#running -= 1;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}
