import type { JobId } from "@aios/kernel/identifiers";
import { isTerminalJob, type Job, type JobProgress } from "../domain/job.js";
import type { JobStore } from "../domain/ports.js";
import type { JobFeed } from "./job-feed.js";
import type { ProofWatches } from "./proof-watches.js";

export interface JobWatcher {
  show(job: Job): void;
  /** There is nothing more to say. */
  end(): void;
  failed(error: unknown): void;
}

/** A job at once and at every change until it ends, with the prover's progress while its output is being proven. */
export class WatchJob {
  constructor(
    private readonly jobs: Pick<JobStore, "find">,
    private readonly feed: JobFeed,
    private readonly proofs: ProofWatches,
  ) {}

  watch(jobId: JobId, watcher: JobWatcher): Disposable {
    const shown = new ShownJob(watcher, (listener) => this.proofs.subscribe(jobId, listener));
    const unsubscribe = this.feed.subscribe(jobId, (job) => shown.changed(job));
    // Read after subscribing, so that no change is missed.
    this.jobs.find(jobId).then(
      (job) => (job === undefined ? watcher.end() : shown.read(job)),
      (error: unknown) => watcher.failed(error),
    );
    return {
      [Symbol.dispose]: () => {
        unsubscribe();
        shown[Symbol.dispose]();
      },
    };
  }
}

/** What one watcher has seen of a job, and its share in the watch of the job's proof while there is one. */
class ShownJob implements Disposable {
  #job: Job | undefined;
  #proving: Disposable | undefined;
  #progress: JobProgress | undefined;
  #isOver = false;

  constructor(
    private readonly watcher: JobWatcher,
    private readonly watchProof: (listener: (progress: JobProgress) => void) => Disposable,
  ) {}

  /** As it was stored: older than what the feed has said since, where it has said anything. */
  read(job: Job): void {
    if (this.#job === undefined) this.changed(job);
  }

  changed(job: Job): void {
    if (this.#isOver) return;
    this.#job = job;
    const { state, heldByProver } = job.proof;
    this.#follow(state === "requested" && heldByProver && !isTerminalJob(job));
    this.#show();
    if (!isTerminalJob(job)) return;
    this[Symbol.dispose]();
    this.watcher.end();
  }

  #follow(isProving: boolean): void {
    if (!isProving) {
      this.#proving?.[Symbol.dispose]();
      this.#proving = undefined;
      this.#progress = undefined;
    } else
      this.#proving ??= this.watchProof((progress) => {
        this.#progress = progress;
        this.#show();
      });
  }

  #show(): void {
    const job = this.#job;
    if (job === undefined || this.#isOver) return;
    this.watcher.show(this.#progress === undefined ? job : { ...job, progress: this.#progress });
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
    this.#proving?.[Symbol.dispose]();
    this.#proving = undefined;
  }
}
