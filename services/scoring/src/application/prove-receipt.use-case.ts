import { receiptTree } from "@aios/core-contribution/receipt-tree";
import { receiptNotAnchored } from "../domain/errors.js";
import type { AnchorBatch, ReceiptStore } from "../domain/ports.js";
import type { ReceiptRecord } from "../domain/receipt-record.js";

export interface ReceiptInclusion {
  readonly receipt: ReceiptRecord;
  readonly batch: AnchorBatch;
  readonly leafIndex: number;
  readonly siblings: readonly string[];
}

/** Where a receipt lies in the tree on chain. Throws `receipt-not-found`, `receipt-not-anchored`. */
export class ProveReceiptUseCase {
  constructor(private readonly store: ReceiptStore) {}

  async execute(receiptId: string): Promise<ReceiptInclusion> {
    const receipt = await this.store.byId(receiptId);
    if (receipt.state !== "anchored" || receipt.batchId === undefined) {
      throw receiptNotAnchored(receiptId, receipt.state, receipt.refusedBecause);
    }
    const batch = await this.store.batch(receipt.batchId);
    return { receipt, batch, ...receiptTree(batch.receiptIds).proofOf(receiptId) };
  }
}
