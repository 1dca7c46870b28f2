/** Who woke it: somebody who knows of something new, or the time that has passed. */
export type Waker = "news" | "clock";

/** Wakes one of those who wait at each ring, so that one piece of work sends one worker to the queue. */
export class Bell {
  readonly #waiting: ((by: Waker) => void)[] = [];
  #unheard = 0;
  #isClosed = false;

  /** `listeners`: how many wait at most; more rings than that while nobody waits say nothing more. */
  constructor(private readonly listeners: number) {}

  /** The clock's rings are for those who wait: whoever is about to has just looked. */
  ring(by: Waker): void {
    const wake = this.#waiting.shift();
    if (wake !== undefined) wake(by);
    else if (by === "news") this.#unheard = Math.min(this.listeners, this.#unheard + 1);
  }

  /** Resolves at once where it was rung while nobody waited. */
  wait(): Promise<Waker> {
    if (this.#isClosed) return Promise.resolve("news");
    if (this.#unheard > 0) {
      this.#unheard--;
      return Promise.resolve("news");
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Wakes all; nobody waits any more. */
  close(): void {
    this.#isClosed = true;
    for (const wake of this.#waiting.splice(0)) wake("news");
  }
}
