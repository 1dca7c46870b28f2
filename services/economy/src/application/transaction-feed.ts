type Listener = () => void;

/** Wakes whoever waits for a transaction to move. Carries no state: a listener reads the store. */
export class TransactionFeed {
  readonly #listeners = new Map<string, Set<Listener>>();

  /** Returns the function that stops listening. */
  listen(transactionId: string, listener: Listener): () => void {
    const listeners = this.#listeners.get(transactionId) ?? new Set<Listener>();
    listeners.add(listener);
    this.#listeners.set(transactionId, listeners);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#listeners.delete(transactionId);
    };
  }

  announce(transactionIds: readonly string[]): void {
    for (const id of transactionIds) for (const listener of this.#listeners.get(id) ?? []) listener();
  }

  get size(): number {
    return this.#listeners.size;
  }
}
