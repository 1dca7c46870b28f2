/**
 * Runs one piece of work per key at a time; a key that is asked for again while it runs runs once more afterwards.
 * At most `limit` keys run at once, the others wait in the order in which they came; waiting keys are not repeated.
 */
export class KeyedRunner<K> {
  readonly #limit: number;
  readonly #work: (key: K) => Promise<void>;
  readonly #running = new Set<K>();
  readonly #again = new Set<K>();
  readonly #waiting = new Set<K>();
  #idle: (() => void)[] = [];
  #closed = false;

  constructor(limit: number, work: (key: K) => Promise<void>) {
    this.#limit = limit;
    this.#work = work;
  }

  /** Keys that run or wait. */
  get size(): number {
    return this.#running.size + this.#waiting.size;
  }

  run(key: K): void {
    if (this.#closed) return;
    if (this.#running.has(key)) {
      this.#again.add(key);
      return;
    }
    this.#waiting.add(key);
    this.#pump();
  }

  /** Takes no more work; resolves when what runs has ended. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#waiting.clear();
    this.#again.clear();
    if (this.#running.size === 0) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #pump(): void {
    for (const key of this.#waiting) {
      if (this.#running.size >= this.#limit) return;
      this.#waiting.delete(key);
      this.#running.add(key);
      void this.#runOne(key);
    }
  }

  async #runOne(key: K): Promise<void> {
    try {
      await this.#work(key);
    } finally {
      this.#running.delete(key);
      if (this.#again.delete(key)) this.#waiting.add(key);
      this.#pump();
      if (this.#running.size === 0) for (const resolve of this.#idle.splice(0)) resolve();
    }
  }
}
