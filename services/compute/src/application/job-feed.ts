import type { JobId } from "@aios/kernel/identifiers";
import type { Job } from "../domain/job.js";

/** Tells watchers in this process. One process of this service runs; its store tells it of every change. */
export class JobFeed {
  readonly #listeners = new Map<JobId, Set<(job: Job) => void>>();

  changed(job: Job): void {
    for (const listener of this.#listeners.get(job.jobId) ?? []) listener(job);
  }

  subscribe(jobId: JobId, listener: (job: Job) => void): () => void {
    const listeners = this.#listeners.get(jobId) ?? new Set();
    this.#listeners.set(jobId, listeners);
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#listeners.delete(jobId);
    };
  }
}
