import type { PooledTransaction } from "./ports.js";

const SLACK = 1_024;

/** The offered fee decides, then age: of two that offer the same, the one that came later leaves first. */
function leavesBefore(a: PooledTransaction, b: PooledTransaction): boolean {
  const x = a.transaction.maxFeePerGas;
  const y = b.transaction.maxFeePerGas;
  return x === y ? a.arrival > b.arrival : x < y;
}

/**
 * Which transaction leaves a full pool first. A binary heap that is cleaned lazily: entries that stopped being
 * candidates are skipped when they come up, and all of them are thrown out once they outnumber the rest. Cost: the
 * logarithm of the number of candidates, amortised.
 */
export class EvictionQueue {
  #heap: PooledTransaction[] = [];

  /** `isCandidate` says whether an entry may leave now; `candidates` how many there are at most. */
  constructor(
    private readonly isCandidate: (entry: PooledTransaction) => boolean,
    private readonly candidates: () => number,
  ) {}

  get size(): number {
    return this.#heap.length;
  }

  push(entry: PooledTransaction): void {
    if (this.#heap.length > 2 * this.candidates() + SLACK) this.#compact();
    this.#heap.push(entry);
    this.#siftUp(this.#heap.length - 1);
  }

  /** Takes out the candidate that leaves first. */
  pop(): PooledTransaction | undefined {
    for (;;) {
      const first = this.#heap[0];
      if (first === undefined) return undefined;
      const last = this.#heap.pop();
      if (last !== undefined && this.#heap.length > 0) {
        this.#heap[0] = last;
        this.#siftDown(0);
      }
      if (this.isCandidate(first)) return first;
    }
  }

  #compact(): void {
    const kept = [...new Set(this.#heap)].filter((entry) => this.isCandidate(entry));
    this.#heap = kept;
    for (let i = (kept.length >> 1) - 1; i >= 0; i--) this.#siftDown(i);
  }

  #siftUp(from: number): void {
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#swapIfBefore(at, parent)) return;
      at = parent;
    }
  }

  #siftDown(from: number): void {
    let at = from;
    for (;;) {
      let first = 2 * at + 1;
      const other = this.#heap[first + 1];
      const left = this.#heap[first];
      if (left === undefined) return;
      if (other !== undefined && leavesBefore(other, left)) first++;
      if (!this.#swapIfBefore(first, at)) return;
      at = first;
    }
  }

  #swapIfBefore(lower: number, upper: number): boolean {
    const a = this.#heap[lower];
    const b = this.#heap[upper];
    if (a === undefined || b === undefined || !leavesBefore(a, b)) return false;
    this.#heap[lower] = b;
    this.#heap[upper] = a;
    return true;
  }
}
