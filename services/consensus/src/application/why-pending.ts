import type { PoolPlace } from "@aios/core-honor-node/transaction-pool";
import type { Bytes32 } from "@aios/kernel/identifiers";
import type { HonorView } from "../domain/honor-view.js";
import type { PendingReason } from "../domain/mempool.js";
import type { BlockStore } from "../domain/ports.js";
import type { ChainView } from "./chain-view.js";
import type { Mempool } from "./mempool.js";

export type TransactionFate =
  | { readonly status: "included"; readonly blockNumber: number; readonly finalized: boolean }
  | {
      readonly status: "pending";
      readonly reason: PendingReason;
      readonly receivedAtMs: number;
      readonly order?: OrderStage;
    }
  | { readonly status: "dropped"; readonly code: string; readonly reason: string }
  | { readonly status: "unknown" };

/** How far a transaction that could run is on its way into the order of an honor chain. */
export type OrderStage =
  /** No block is known to hold it: it waits for the turn of the node that has duty for its sender. */
  | { readonly stage: "waits-for-block" }
  /** A block of the DAG holds it: it waits for a certificate. */
  | { readonly stage: "waits-for-certificate"; readonly block: string; readonly tick: number }
  /** It was ordered, or is not handed to the protocol yet. */
  | { readonly stage: "waits-for-execution" };

/** Why a transaction is not in a block, or where it is. */
export class WhyPending {
  constructor(
    private readonly chain: ChainView,
    private readonly blocks: BlockStore,
    private readonly mempool: Mempool,
    /** Absent where one node makes the chain. */
    private readonly honor?: Pick<HonorView, "place">,
  ) {}

  async explain(hash: Bytes32): Promise<TransactionFate> {
    const place = this.blocks.placeOf(hash);
    if (place !== undefined) {
      const finalized = place.blockNumber <= this.chain.finalizedHeight();
      return { status: "included", blockNumber: place.blockNumber, finalized };
    }
    const entry = this.mempool.pool.get(hash);
    const reason = this.mempool.pool.whyPending(hash, this.chain.nextBaseFee());
    if (entry !== undefined && reason !== undefined) {
      const { receivedAtMs } = entry;
      if (this.honor === undefined || reason.code !== "ready")
        return { status: "pending", reason, receivedAtMs };
      return {
        status: "pending",
        reason,
        receivedAtMs,
        order: stageOf(await this.honor.place(hash.slice(2))),
      };
    }
    const dropped = this.mempool.pool.dropped(hash);
    return dropped === undefined
      ? { status: "unknown" }
      : { status: "dropped", code: dropped.code, reason: dropped.reason };
  }
}

function stageOf(waiting: { readonly place: PoolPlace | undefined } | undefined): OrderStage {
  if (waiting === undefined) return { stage: "waits-for-execution" };
  if (waiting.place === undefined) return { stage: "waits-for-block" };
  return { stage: "waits-for-certificate", ...waiting.place };
}
