import { createHash } from "node:crypto";
import type { BlockPosition, ChainBlock, ChainReceipt, ContractEvent } from "../../src/domain/chain-block.js";
import type { TransactionFailure } from "../../src/domain/chain-transaction.js";
import type { ChainBlocks, EventReader } from "../../src/domain/ports.js";

/** A chain in memory whose tail can be exchanged: what no honest node of ours does, and an index must survive. */
export class SimulatedChain implements ChainBlocks {
  #blocks: ChainBlock[] = [this.#block(undefined, 0, [])];
  readonly #followers = new Set<() => void>();
  finalized = 0n;

  /** Cuts the chain after block `height` and grows new blocks with these transactions, one list per block. */
  fork(height: number, salt: number, transactions: readonly (readonly string[])[]): void {
    this.#blocks = this.#blocks.slice(0, height + 1);
    for (const hashes of transactions) this.#blocks.push(this.#block(this.#blocks.at(-1), salt, hashes));
    for (const follower of this.#followers) follower();
  }

  get height(): number {
    return this.#blocks.length - 1;
  }

  #block(parent: ChainBlock | undefined, salt: number, transactions: readonly string[]): ChainBlock {
    const number = parent === undefined ? 0n : parent.number + 1n;
    const content = JSON.stringify([parent?.hash, salt, transactions]);
    const receipts: ChainReceipt[] = transactions.map((transactionHash) => ({
      transactionHash,
      succeeded: true,
      gasUsed: 21_000n,
      logs: [],
    }));
    return {
      number,
      hash: `0x${createHash("sha256").update(content).digest("hex")}`,
      parentHash: parent?.hash ?? `0x${"0".repeat(64)}`,
      timestampSeconds: number,
      receipts,
    };
  }

  async identity() {
    return { chainId: 1n, genesisHash: this.#blocks[0]?.hash ?? "" };
  }
  async head(): Promise<BlockPosition> {
    const { number, hash } = this.#blocks.at(-1) as ChainBlock;
    return { number, hash };
  }
  async finalizedHeight(): Promise<bigint> {
    return this.finalized;
  }
  async blocks(first: bigint, count: number): Promise<readonly ChainBlock[]> {
    return this.#blocks.slice(Number(first), Number(first) + count);
  }
  followHeads(onHead: () => void, signal: AbortSignal): void {
    this.#followers.add(onHead);
    signal.addEventListener("abort", () => this.#followers.delete(onHead), { once: true });
  }

  /** Asked only after transactions that failed, and here none does. */
  async explainFailure(): Promise<TransactionFailure> {
    throw new TypeError("no transaction of a simulated chain fails");
  }
}

/** One event per transaction: an anchored batch named by the transaction's hash. */
export class SimulatedContracts implements EventReader {
  eventsOf(block: ChainBlock): readonly ContractEvent[] {
    return block.receipts.map((receipt, logIndex) => ({
      blockHash: block.hash,
      blockNumber: block.number,
      timestampSeconds: block.timestampSeconds,
      transactionHash: receipt.transactionHash,
      gasUsed: receipt.gasUsed,
      logIndex,
      contract: "ReceiptRegistry",
      name: "ReceiptsAnchored",
      args: { batch: "1", root: receipt.transactionHash, receiptCount: "1" },
      subject: `batch:${receipt.transactionHash}`,
    }));
  }
}
