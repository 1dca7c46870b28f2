import type { Bytes32 } from "@aios/kernel/identifiers";
import type { PendingReason } from "../domain/mempool.js";
import type { BlockStore } from "../domain/ports.js";
import type { ChainView } from "./chain-view.js";
import type { Mempool } from "./mempool.js";

export type TransactionFate =
  | { readonly status: "included"; readonly blockNumber: number; readonly finalized: boolean }
  | { readonly status: "pending"; readonly reason: PendingReason; readonly receivedAtMs: number }
  | { readonly status: "dropped"; readonly code: string; readonly reason: string }
  | { readonly status: "unknown" };

/** Why a transaction is not in a block, or where it is. */
export class WhyPending {
  constructor(
    private readonly chain: ChainView,
    private readonly blocks: BlockStore,
    private readonly mempool: Mempool,
  ) {}

  explain(hash: Bytes32): TransactionFate {
    const place = this.blocks.placeOf(hash);
    if (place !== undefined) {
      const finalized = place.blockNumber <= this.chain.finalizedHeight();
      return { status: "included", blockNumber: place.blockNumber, finalized };
    }
    const entry = this.mempool.pool.get(hash);
    const reason = this.mempool.pool.whyPending(hash, this.chain.nextBaseFee());
    if (entry !== undefined && reason !== undefined) {
      return { status: "pending", reason, receivedAtMs: entry.receivedAtMs };
    }
    const dropped = this.mempool.pool.dropped(hash);
    return dropped === undefined
      ? { status: "unknown" }
      : { status: "dropped", code: dropped.code, reason: dropped.reason };
  }
}
