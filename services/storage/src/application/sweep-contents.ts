import type { Clock } from "@aios/kernel/clock";
import { durationMs } from "@aios/kernel/units";
import type { Logger } from "@aios/service-kit/logger";
import type { ContentRepository, ContentStore, SweepReport } from "../domain/ports.js";

const CLAIMS_AT_ONCE = 1_000;

export interface SweepRhythm {
  readonly everyMs: number;
  /** Blocks younger than this are left alone: they may belong to an upload that another process takes just now. */
  readonly ageMs: number;
}

/** Deletes blocks that a crash or an outage left between storing and claiming, once they are old enough. */
export class SweepContents {
  readonly #stop = new AbortController();
  #loop: Promise<void> | undefined;

  constructor(
    private readonly store: Pick<ContentStore, "sweep">,
    private readonly contents: Pick<ContentRepository, "claimed">,
    private readonly clock: Clock,
    private readonly rhythm: SweepRhythm,
    private readonly logger: Logger,
    private readonly onSwept: (report: SweepReport) => void,
  ) {}

  start(): void {
    this.#loop ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#loop;
  }

  async sweep(): Promise<SweepReport> {
    const beforeMs = this.clock.now() - this.rhythm.ageMs;
    const report = await this.store.sweep(() => this.#claims(), beforeMs);
    this.onSwept(report);
    return report;
  }

  /** Ends a sweep that is under way when the service stops. */
  async *#claims(): ReturnType<ContentRepository["claimed"]> {
    for await (const cid of this.contents.claimed(CLAIMS_AT_ONCE)) {
      this.#stop.signal.throwIfAborted();
      yield cid;
    }
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        const report = await this.sweep();
        if (report.deleted > 0) this.logger.info({ report }, "blocks without a claim were deleted");
      } catch (error) {
        if (!this.#stop.signal.aborted) this.logger.warn({ error }, "blocks without a claim were not swept");
      }
      await this.clock.wait(durationMs(this.rhythm.everyMs), this.#stop.signal).catch(() => undefined);
    }
  }
}
