import type { PooledTransaction } from "./ports.js";
import { maximumCost } from "./transaction.js";

/**
 * What waits of one sender, in nonce order, one transaction a nonce. Transactions come and go mostly at the ends, so
 * every search begins at the end that is likely. Cost: the distance from there, not the length of the queue.
 */
export class SenderQueue {
  readonly entries: PooledTransaction[] = [];
  /** Wei that all of them together may cost. */
  #totalCost = 0n;

  get isEmpty(): boolean {
    return this.entries.length === 0;
  }

  get length(): number {
    return this.entries.length;
  }

  first(): PooledTransaction | undefined {
    return this.entries[0];
  }

  last(): PooledTransaction | undefined {
    return this.entries.at(-1);
  }

  at(nonce: bigint): PooledTransaction | undefined {
    const entry = this.entries[this.#positionOf(nonce) - 1];
    return entry?.transaction.nonce === nonce ? entry : undefined;
  }

  /** Those with this nonce and higher ones. */
  from(nonce: bigint): readonly PooledTransaction[] {
    return this.entries.slice(this.#positionOf(nonce - 1n));
  }

  /** Wei that those before this nonce may cost together. */
  costBefore(nonce: bigint): bigint {
    let cost = this.#totalCost;
    for (let index = this.entries.length - 1; index >= 0; index--) {
      const entry = this.entries[index] as PooledTransaction;
      if (entry.transaction.nonce < nonce) break;
      cost -= maximumCost(entry.transaction);
    }
    return cost;
  }

  /** Whether none of them is behind this nonce, and this balance is enough for all together. False when empty. */
  canAllRun({ nonce, balance }: { readonly nonce: bigint; readonly balance: bigint }): boolean {
    const first = this.entries[0];
    return first !== undefined && first.transaction.nonce >= nonce && this.#totalCost <= balance;
  }

  /** Adds a transaction of a nonce that is free. Whether it is the last now. */
  insert(entry: PooledTransaction): boolean {
    const position = this.#positionOf(entry.transaction.nonce);
    if (position === this.entries.length) this.entries.push(entry);
    else this.entries.splice(position, 0, entry);
    this.#totalCost += maximumCost(entry.transaction);
    return position === this.entries.length - 1;
  }

  /** Takes a transaction out. Whether it was the last. */
  remove(entry: PooledTransaction): boolean {
    const position = this.entries.indexOf(entry);
    if (position === -1) return false;
    if (position === 0) this.entries.shift();
    else this.entries.splice(position, 1);
    this.#totalCost -= maximumCost(entry.transaction);
    return position === this.entries.length;
  }

  /** How many have a nonce up to this one. */
  #positionOf(nonce: bigint): number {
    let position = this.entries.length;
    while (position > 0 && (this.entries[position - 1] as PooledTransaction).transaction.nonce > nonce)
      position--;
    return position;
  }
}
