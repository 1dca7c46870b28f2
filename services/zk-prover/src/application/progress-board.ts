import type { Progress } from "../domain/progress.js";

const MAX_ENTRIES = 1_000;

/** How far the work of this process is, and who wants to know. Only for display: results are in the database. */
export class ProgressBoard {
  readonly #entries = new Map<string, Progress>();
  readonly #watchers = new Map<string, Set<() => void>>();

  set(id: string, stage: string, percent: number, message: string): void {
    this.#entries.delete(id);
    this.#entries.set(id, { stage, percent: Math.round(percent), message, figures: {} });
    const oldest = this.#entries.keys().next().value;
    if (this.#entries.size > MAX_ENTRIES && oldest !== undefined) this.#entries.delete(oldest);
    this.#tell(id);
  }

  get(id: string): Progress | undefined {
    return this.#entries.get(id);
  }

  /** The work has a result in the database, or went back to the queue. */
  end(id: string): void {
    this.#entries.delete(id);
    this.#tell(id);
  }

  /** Calls `listener` on each change until disposed. */
  watch(id: string, listener: () => void): Disposable {
    const watchers = this.#watchers.get(id) ?? new Set();
    this.#watchers.set(id, watchers);
    watchers.add(listener);
    return {
      [Symbol.dispose]: () => {
        watchers.delete(listener);
        if (watchers.size === 0) this.#watchers.delete(id);
      },
    };
  }

  #tell(id: string): void {
    for (const listener of [...(this.#watchers.get(id) ?? [])]) listener();
  }
}
