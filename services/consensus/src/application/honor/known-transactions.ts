import { shortIdOf } from "@aios/core-honor-node/compact-block";
import type { OrderedTransaction } from "@aios/core-honor-node/dag-block";

/** The last transactions whose senders were recovered, bounded in number and bytes: beyond, the oldest are forgotten. */
export class KnownTransactions {
  readonly #maxCount: number;
  readonly #maxBytes: number;
  readonly #byId = new Map<string, OrderedTransaction>();
  /** Of several whose ids begin alike, the latest. */
  readonly #byShortId = new Map<string, OrderedTransaction>();
  #bytes = 0;

  constructor(maxCount: number, maxBytes: number) {
    this.#maxCount = maxCount;
    this.#maxBytes = maxBytes;
  }

  get(id: string): OrderedTransaction | undefined {
    return this.#byId.get(id);
  }

  find(shortId: string): OrderedTransaction | undefined {
    return this.#byShortId.get(shortId);
  }

  add(transaction: OrderedTransaction): void {
    if (this.#byId.has(transaction.id)) return;
    this.#byId.set(transaction.id, transaction);
    this.#byShortId.set(shortIdOf(transaction.id), transaction);
    this.#bytes += transaction.payload.length;
    for (const [id, oldest] of this.#byId) {
      if (this.#byId.size <= this.#maxCount && this.#bytes <= this.#maxBytes) return;
      this.#forget(id, oldest);
    }
  }

  #forget(id: string, transaction: OrderedTransaction): void {
    this.#byId.delete(id);
    const shortId = shortIdOf(id);
    if (this.#byShortId.get(shortId) === transaction) this.#byShortId.delete(shortId);
    this.#bytes -= transaction.payload.length;
  }
}
