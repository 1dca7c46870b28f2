import type { Address } from "@aios/kernel/identifiers";
import type { PooledTransaction } from "./ports.js";
import type { SignedTransaction } from "./transaction.js";

/**
 * First come, first served: fees decide admission and eviction, never order. A transaction that had to wait for an
 * earlier nonce counts as arrived when that one did.
 */
export class ArrivalOrder {
  /**
   * Candidates come per sender, each list in nonce order without gaps. Returns one sequence that keeps the order
   * inside each list.
   */
  order(candidates: ReadonlyMap<Address, readonly PooledTransaction[]>): SignedTransaction[] {
    const ranked: {
      readonly rank: number;
      readonly nonce: bigint;
      readonly transaction: SignedTransaction;
    }[] = [];
    for (const chain of candidates.values()) {
      let rank = -1;
      for (const { transaction, arrival } of chain) {
        rank = Math.max(rank, arrival);
        ranked.push({ rank, nonce: transaction.nonce, transaction });
      }
    }
    ranked.sort((a, b) => a.rank - b.rank || (a.nonce < b.nonce ? -1 : 1));
    return ranked.map((entry) => entry.transaction);
  }
}
