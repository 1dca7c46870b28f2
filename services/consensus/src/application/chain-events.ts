import type { BlockWithReceipts } from "../domain/block.js";
import type { SignedTransaction } from "../domain/transaction.js";

export interface ChainEventMap {
  /** A checkpoint is stored. In order, without gaps. */
  head: BlockWithReceipts;
  /** The pool admitted a transaction. */
  admitted: SignedTransaction;
}

type Listener<K extends keyof ChainEventMap> = (event: ChainEventMap[K]) => void;

/** In-process notices. Listeners run synchronously and must not throw; one that does is reported and kept. */
export class ChainEvents {
  readonly #listeners: { [K in keyof ChainEventMap]: Set<Listener<K>> } = {
    head: new Set(),
    admitted: new Set(),
  };

  constructor(private readonly onListenerError: (error: unknown) => void) {}

  on<K extends keyof ChainEventMap>(name: K, listener: Listener<K>): () => void {
    this.#listeners[name].add(listener);
    return () => {
      this.#listeners[name].delete(listener);
    };
  }

  emit<K extends keyof ChainEventMap>(name: K, event: ChainEventMap[K]): void {
    for (const listener of this.#listeners[name]) {
      try {
        listener(event);
      } catch (error) {
        this.onListenerError(error);
      }
    }
  }
}
