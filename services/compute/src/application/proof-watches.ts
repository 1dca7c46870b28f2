import type { Clock } from "@aios/kernel/clock";
import type { JobId } from "@aios/kernel/identifiers";
import type { DurationMs } from "@aios/kernel/units";
import type { JobProgress } from "../domain/job.js";
import type { Prover } from "../domain/ports.js";

type Listener = (progress: JobProgress) => void;

interface Watch {
  readonly listeners: Set<Listener>;
  readonly end: AbortController;
  latest: JobProgress | undefined;
}

/** A stream that ended while somebody still watches is opened again after this long: the prover may be restarting. */
const REOPEN_AFTER_MS = 2_000;

/** How far the prover is with jobs' proofs, for whoever watches them: one stream a job, however many watch. */
export class ProofWatches {
  readonly #watches = new Map<JobId, Watch>();

  constructor(
    private readonly prover: Pick<Prover, "watch">,
    private readonly clock: Clock,
  ) {}

  /** Calls the listener with what is known, and at every change, until disposed. */
  subscribe(jobId: JobId, listener: Listener): Disposable {
    const watch = this.#watches.get(jobId) ?? this.#open(jobId);
    watch.listeners.add(listener);
    if (watch.latest !== undefined) listener(watch.latest);
    return {
      [Symbol.dispose]: () => {
        watch.listeners.delete(listener);
        if (watch.listeners.size > 0) return;
        watch.end.abort();
        if (this.#watches.get(jobId) === watch) this.#watches.delete(jobId);
      },
    };
  }

  #open(jobId: JobId): Watch {
    const watch: Watch = { listeners: new Set(), end: new AbortController(), latest: undefined };
    this.#watches.set(jobId, watch);
    void this.#follow(jobId, watch);
    return watch;
  }

  async #follow(jobId: JobId, watch: Watch): Promise<void> {
    const { signal } = watch.end;
    while (!signal.aborted) {
      try {
        for await (const progress of this.prover.watch(jobId, signal)) {
          watch.latest = progress;
          for (const listener of [...watch.listeners]) listener(progress);
        }
      } catch {
        // Only display: the job itself asks for its proof until there is one, whoever watches.
      }
      await this.clock.wait(REOPEN_AFTER_MS as DurationMs, signal).catch(() => undefined);
    }
  }
}
