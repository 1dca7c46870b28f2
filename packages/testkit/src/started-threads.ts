import type { Worker } from "node:worker_threads";

/** Notes the worker threads that are started while it is open, and ends them as a crash would: whatever they are doing. */
export class StartedThreads implements Disposable {
  readonly #running = new Set<Worker>();
  readonly #note = (worker: Worker): void => {
    this.#running.add(worker);
    worker.once("exit", () => this.#running.delete(worker));
  };

  constructor() {
    process.on("worker", this.#note);
  }

  /** Resolves with how many there were, once all have ended. */
  async crash(): Promise<number> {
    const all = [...this.#running];
    await Promise.all(all.map((worker) => worker.terminate()));
    return all.length;
  }

  [Symbol.dispose](): void {
    process.off("worker", this.#note);
  }
}
