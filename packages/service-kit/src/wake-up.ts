/** Lets a loop sleep until someone calls it or the time is over; calls while it works are remembered. */
export class WakeUp {
  #pending = false;
  #resolve: (() => void) | undefined;

  wake(): void {
    this.#pending = true;
    this.#resolve?.();
  }

  /** Whether someone called since the last wait. */
  get pending(): boolean {
    return this.#pending;
  }

  /** Resolves at once when woken since the last wait. */
  async wait(timeoutMs: number): Promise<void> {
    if (!this.#pending) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, timeoutMs);
        this.#resolve = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#resolve = undefined;
    }
    this.#pending = false;
  }
}
