import type { Clock } from "@aios/kernel/clock";
import { isCodedError } from "@aios/kernel/coded-error";
import { durationMs } from "@aios/kernel/units";
import { metrics } from "./metrics.js";

export interface SyntheticOutcome {
  readonly ok: boolean;
  readonly tookMs: number;
  /** The job's id, or why there is none. */
  readonly detail: string;
  readonly errorCode: string | undefined;
}

export interface SyntheticCheckOptions {
  /** Answers the job's id, or throws. */
  readonly act: () => Promise<string>;
  readonly clock: Pick<Clock, "now" | "wait">;
  /** From the start of a run to the start of the next; a run that takes longer is followed at once. */
  readonly everyMs: number;
  readonly withinMs: number;
  readonly onOutcome: (outcome: SyntheticOutcome) => void;
}

/** Does the same work again and again, one run at a time, and counts how it went. */
export class SyntheticCheck {
  constructor(private readonly options: SyntheticCheckOptions) {}

  /** Until the signal ends it. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, everyMs } = this.options;
    metrics.startTime.set(clock.now() / 1_000);
    while (!signal.aborted) {
      const startedAt = clock.now();
      await this.once();
      const restMs = Math.max(0, startedAt + everyMs - clock.now());
      await clock.wait(durationMs(restMs), signal).catch(() => undefined);
    }
  }

  async once(): Promise<SyntheticOutcome> {
    const { act, clock, onOutcome } = this.options;
    const startedAt = clock.now();
    const outcome = await this.#attempt(act).then(
      (detail) => ({ ok: true, detail, errorCode: undefined }),
      (error: unknown) => ({
        ok: false,
        detail: error instanceof Error ? error.message : String(error),
        errorCode: isCodedError(error) ? error.code : "unexpected",
      }),
    );
    const told = { ...outcome, tookMs: clock.now() - startedAt };
    if (told.ok) {
      metrics.runs.add(1, { outcome: "ok" });
      metrics.duration.record(told.tookMs);
      metrics.lastSuccessTime.set(clock.now() / 1_000);
    } else metrics.runs.add(1, { outcome: "failed", errorCode: told.errorCode });
    onOutcome(told);
    return told;
  }

  /** A run that takes too long has failed; what becomes of its job is the platform's to finish or to refund. */
  async #attempt(act: () => Promise<string>): Promise<string> {
    const { clock, withinMs } = this.options;
    const over = new AbortController();
    const limit = clock.wait(durationMs(withinMs), over.signal).then((): never => {
      throw new Error(`It was not done within ${Math.round(withinMs / 1_000)} s.`);
    });
    try {
      return await Promise.race([act(), limit]);
    } finally {
      limit.catch(() => undefined);
      over.abort();
    }
  }
}
