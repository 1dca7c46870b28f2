import type { OrderedTransaction } from "@aios/core-honor-node/dag-block";

/** The last transactions whose senders were recovered, bounded in number and bytes: beyond, the oldest are forgotten. */
export class KnownTransactions {
  readonly #maxCount: number;
  readonly #maxBytes: number;
  readonly #byId = new Map<string, OrderedTransaction>();
  #bytes = 0;

  constructor(maxCount: number, maxBytes: number) {
    this.#maxCount = maxCount;
    this.#maxBytes = maxBytes;
  }

  get(id: string): OrderedTransaction | undefined {
    return this.#byId.get(id);
  }

  add(transaction: OrderedTransaction): void {
    if (this.#byId.has(transaction.id)) return;
    this.#byId.set(transaction.id, transaction);
    this.#bytes += transaction.payload.length;
    for (const [id, { payload }] of this.#byId) {
      if (this.#byId.size <= this.#maxCount && this.#bytes <= this.#maxBytes) return;
      this.#byId.delete(id);
      this.#bytes -= payload.length;
    }
  }
}
