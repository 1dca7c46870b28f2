const MAX_WAITING = 200_000;
const SAMPLES = 4_096;

/** Times from a block's arrival here to the certificate that orders its transactions, of the last ones. */
export interface OrderDelays {
  readonly count: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
}

/** Measures how long transactions that are in a block wait for their certificate, as this node sees it. */
export class OrderDelayMeter {
  readonly #seenAtMs = new Map<string, number>();
  readonly #delays: number[] = [];
  #count = 0;

  included(transactions: readonly { readonly id: string }[], nowMs: number): void {
    for (const { id } of transactions) {
      if (this.#seenAtMs.has(id)) continue;
      if (this.#seenAtMs.size >= MAX_WAITING)
        this.#seenAtMs.delete(this.#seenAtMs.keys().next().value as string);
      this.#seenAtMs.set(id, nowMs);
    }
  }

  ordered(transactions: readonly { readonly id: string }[], nowMs: number): void {
    for (const { id } of transactions) {
      const seenAtMs = this.#seenAtMs.get(id);
      if (seenAtMs === undefined) continue;
      this.#seenAtMs.delete(id);
      this.#delays[this.#count % SAMPLES] = nowMs - seenAtMs;
      this.#count += 1;
    }
  }

  get delays(): OrderDelays {
    const sorted = [...this.#delays].sort((a, b) => a - b);
    const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? 0;
    return { count: this.#count, p50Ms: at(0.5), p95Ms: at(0.95) };
  }
}
