import { shortIdOf } from "./compact-block.js";
import type { OrderedTransaction } from "./dag-block.js";

/** The latest block known to hold a transaction. */
export interface PoolPlace {
  readonly block: string;
  readonly tick: number;
}

/** Of what one block holds. */
export interface BlockLimits {
  readonly transactions: number;
  /** Of payload. */
  readonly bytes: number;
  readonly gas: number;
}

interface Pooled {
  readonly transaction: OrderedTransaction;
  place: PoolPlace | undefined;
}

/**
 * Transactions that were accepted and are not ordered yet. Fees decide admission and eviction where there is a fee market;
 * here the pool is full when it is full, and says so.
 */
export class TransactionPool {
  readonly #capacity: number;
  readonly #byId = new Map<string, Pooled>();
  /** By the beginnings of their ids; of several that begin alike, the first. */
  readonly #byShortId = new Map<string, string>();
  /** The last ones that left, so that late copies do not come back, with the beginnings of their ids. */
  readonly #left = new Map<string, string>();
  readonly #leftShortIds = new Set<string>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#byId.size;
  }

  /** Whether it was taken in, is known, or does not fit. */
  add(transaction: OrderedTransaction): "added" | "known" | "full" {
    if (this.#byId.has(transaction.id) || this.#left.has(transaction.id)) return "known";
    if (this.#byId.size >= this.#capacity) return "full";
    this.#byId.set(transaction.id, { transaction, place: undefined });
    const shortId = shortIdOf(transaction.id);
    if (!this.#byShortId.has(shortId)) this.#byShortId.set(shortId, transaction.id);
    return "added";
  }

  /** One that waits here, by the beginning of its id. */
  find(shortId: string): OrderedTransaction | undefined {
    const id = this.#byShortId.get(shortId);
    return id === undefined ? undefined : this.get(id);
  }

  /** Whether one whose id begins so waits here, or left not long ago. */
  isKnown(shortId: string): boolean {
    return this.#byShortId.has(shortId) || this.#leftShortIds.has(shortId);
  }

  get isFull(): boolean {
    return this.#byId.size >= this.#capacity;
  }

  /** One that waits here. */
  get(id: string): OrderedTransaction | undefined {
    return this.#byId.get(id)?.transaction;
  }

  /** Whether it waits here, and in which block. */
  placeOf(id: string): { readonly place: PoolPlace | undefined } | undefined {
    return this.#byId.get(id);
  }

  /** A block with it is in the DAG: nobody else has to include it while that block can be merged. */
  sawInBlock(id: string, place: PoolPlace): void {
    const pooled = this.#byId.get(id);
    if (pooled !== undefined && (pooled.place === undefined || pooled.place.tick <= place.tick))
      pooled.place = place;
  }

  /** As `add`, for one that may have left before: its order came too early. */
  putBack(transaction: OrderedTransaction): "added" | "known" | "full" {
    this.#forgetLeft(transaction.id);
    return this.add(transaction);
  }

  /** It is ordered or dropped. */
  remove(id: string): void {
    const shortId = shortIdOf(id);
    this.#byId.delete(id);
    if (this.#byShortId.get(shortId) === id) this.#byShortId.delete(shortId);
    this.#left.set(id, shortId);
    this.#leftShortIds.add(shortId);
    if (this.#left.size > 2 * this.#capacity) this.#forgetLeft(this.#left.keys().next().value as string);
  }

  #forgetLeft(id: string): void {
    const shortId = this.#left.get(id);
    if (shortId === undefined) return;
    this.#left.delete(id);
    this.#leftShortIds.delete(shortId);
  }

  /** Those that no block holds for which `isHeld`, oldest first, at most `limit`. */
  unheld(isHeld: (place: PoolPlace) => boolean, limit: number): OrderedTransaction[] {
    const out: OrderedTransaction[] = [];
    for (const { transaction, place } of this.#byId.values()) {
      if (out.length >= limit) break;
      if (place === undefined || !isHeld(place)) out.push(transaction);
    }
    return out;
  }

  /**
   * What to put into a block: transactions of whose senders `takes` is true and that no block holds for which `isHeld`, each
   * sender's by nonce, within the limits. O(pool · log pool).
   */
  choose(
    takes: (sender: string) => boolean,
    isHeld: (place: PoolPlace) => boolean,
    limits: BlockLimits,
  ): OrderedTransaction[] {
    const chosen: OrderedTransaction[] = [];
    // What fits no block must not keep others out.
    for (const { transaction, place } of this.#byId.values())
      if (
        transaction.gasLimit <= limits.gas &&
        (place === undefined || !isHeld(place)) &&
        takes(transaction.sender)
      )
        chosen.push(transaction);
    chosen.sort((a, b) => a.nonce - b.nonce);
    let bytes = 0;
    let gas = 0;
    const tooMany = chosen.findIndex(({ payload, gasLimit }, index) => {
      bytes += payload.length;
      gas += gasLimit;
      return index >= limits.transactions || bytes > limits.bytes || gas > limits.gas;
    });
    return tooMany < 0 ? chosen : chosen.slice(0, tooMany);
  }
}
