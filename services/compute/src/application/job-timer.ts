import type { Clock } from "@aios/kernel/clock";
import type { JobId } from "@aios/kernel/identifiers";
import type { Logger } from "@aios/service-kit/logger";
import type { JobStore } from "../domain/ports.js";

const BATCH = 200;
/** Also looked at this often without being told, for jobs that another process left behind. */
const LONGEST_SLEEP_MS = 5_000;
/** A job that stays due is not asked for more often than this. */
const SHORTEST_SLEEP_MS = 50;
const AFTER_FAILURE_MS = 1_000;

/** Wakes jobs when their time has come; sleeps until the next one is due. */
export class JobTimer {
  readonly #jobs: JobStore;
  readonly #clock: Clock;
  readonly #advance: (jobId: JobId) => void;
  readonly #logger: Logger;
  readonly #stop = new AbortController();
  #sleep: AbortController | undefined;
  #wakesAtMs = Number.POSITIVE_INFINITY;
  /** The earliest time that was asked for since due jobs were last read. */
  #askedForMs = Number.POSITIVE_INFINITY;
  #loop: Promise<void> | undefined;

  constructor(jobs: JobStore, clock: Clock, advance: (jobId: JobId) => void, logger: Logger) {
    this.#jobs = jobs;
    this.#clock = clock;
    this.#advance = advance;
    this.#logger = logger;
  }

  start(): void {
    this.#loop ??= this.#run();
  }

  /** A job becomes due at this time; wakes the timer if it would sleep longer. */
  due(atMs: number): void {
    this.#askedForMs = Math.min(this.#askedForMs, atMs);
    if (atMs < this.#wakesAtMs) this.#sleep?.abort();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#sleep?.abort();
    await this.#loop;
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      this.#askedForMs = Number.POSITIVE_INFINITY;
      const pauseMs = await this.#tick();
      // A job that became due earlier while the table was read is not slept over.
      const askedMs = Math.max(SHORTEST_SLEEP_MS, this.#askedForMs - this.#clock.now());
      const sleepMs = Math.min(pauseMs, askedMs);
      this.#sleep = new AbortController();
      this.#wakesAtMs = this.#clock.now() + sleepMs;
      await this.#clock
        .wait(sleepMs as Parameters<Clock["wait"]>[0], this.#sleep.signal)
        .catch(() => undefined);
    }
  }

  async #tick(): Promise<number> {
    try {
      const nowMs = this.#clock.now();
      for (const jobId of await this.#jobs.due(nowMs, BATCH)) this.#advance(jobId);
      const next = await this.#jobs.nextDueMs();
      const untilNextMs = (next ?? Number.POSITIVE_INFINITY) - nowMs;
      // Due jobs are being moved already; their state says when to look again.
      return Math.max(
        SHORTEST_SLEEP_MS,
        Math.min(untilNextMs <= 0 ? SHORTEST_SLEEP_MS * 5 : untilNextMs, LONGEST_SLEEP_MS),
      );
    } catch (error) {
      this.#logger.warn({ error }, "due jobs could not be read");
      return AFTER_FAILURE_MS;
    }
  }
}
