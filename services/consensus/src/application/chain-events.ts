import type { BlockHeader } from "../domain/block.js";
import type { SignedTransaction } from "../domain/transaction.js";

export interface ChainEventMap {
  /** A checkpoint is on disk; its transactions may still stand in the pool. In order, without gaps. */
  stored: BlockHeader;
  /** A checkpoint is stored, and the pool is up to date with it. In order, without gaps. */
  head: { readonly header: BlockHeader };
  /** The pool admitted a transaction. */
  admitted: SignedTransaction;
  /** Finality moved on, with or without a checkpoint: the highest height whose root is attested. */
  finalized: number;
}

type Listener<K extends keyof ChainEventMap> = (event: ChainEventMap[K]) => void;

/** What users subscribe to. */
export interface ChainNews {
  /** Returns what ends the subscription. */
  on<K extends "head" | "admitted">(name: K, listener: Listener<K>): () => void;
}

/** In-process notices. Listeners run synchronously and must not throw; one that does is reported and kept. */
export class ChainEvents implements ChainNews {
  readonly #listeners: { [K in keyof ChainEventMap]: Set<Listener<K>> } = {
    stored: new Set(),
    head: new Set(),
    admitted: new Set(),
    finalized: new Set(),
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
