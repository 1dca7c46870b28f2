import type { Clock } from "@aios/kernel/clock";
import { durationMs } from "@aios/kernel/units";
import type { Logger } from "@aios/service-kit/logger";
import type { JobStore } from "../domain/ports.js";

const EVERY_MS = durationMs(3_600_000);
const AT_ONCE = 5_000;

/** Keeps what placements were decided from for as long as it is set, and no longer: what nobody can ask for grows not. */
export class ForgetPlacements {
  readonly #jobs: JobStore;
  readonly #clock: Clock;
  readonly #keepMs: number;
  readonly #logger: Logger;
  readonly #stop = new AbortController();
  #loop: Promise<void> | undefined;

  constructor(jobs: JobStore, clock: Clock, keepMs: number, logger: Logger) {
    this.#jobs = jobs;
    this.#clock = clock;
    this.#keepMs = keepMs;
    this.#logger = logger;
  }

  start(): void {
    this.#loop ??= this.#run();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#loop;
  }

  /** In steps, each whole by itself: a crash leaves the rest to the next time. */
  async forget(): Promise<number> {
    let forgotten = 0;
    for (;;) {
      const step = await this.#jobs.forgetPlacements(this.#clock.now() - this.#keepMs, AT_ONCE);
      forgotten += step;
      if (step < AT_ONCE || this.#stop.signal.aborted) return forgotten;
    }
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        await this.forget();
      } catch (error) {
        this.#logger.warn({ error }, "old placements could not be forgotten; the next time is in an hour");
      }
      await this.#clock.wait(EVERY_MS, this.#stop.signal).catch(() => undefined);
    }
  }
}
