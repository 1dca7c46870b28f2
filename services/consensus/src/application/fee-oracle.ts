import { CodedError } from "@aios/kernel/coded-error";
import { greater, lesser } from "../domain/bigint.js";
import type { BlockWithReceipts } from "../domain/block.js";
import type { BlockStore } from "../domain/ports.js";
import { effectiveTip } from "../domain/transaction.js";
import type { ChainView } from "./chain-view.js";

const SAMPLED_BLOCKS = 20;
const MAX_HISTORY = 1_024;

export interface FeeHistory {
  readonly oldestBlock: number;
  /** One more than blocks: the last is that of the next block. */
  readonly baseFeePerGas: readonly bigint[];
  readonly gasUsedRatio: readonly number[];
  /** As `baseFeePerGas`, of blob gas. */
  readonly baseFeePerBlobGas: readonly bigint[];
  readonly blobGasUsedRatio: readonly number[];
  /** Per block, the tips at the asked percentiles, weighted by gas; absent when none was asked. */
  readonly reward: readonly (readonly bigint[])[] | undefined;
}

/** What to pay. */
export class FeeOracle {
  constructor(
    private readonly chain: ChainView,
    private readonly blocks: BlockStore,
    /** Suggested when recent blocks say nothing. Wei per gas. */
    private readonly defaultTip: bigint,
    private readonly minTip: bigint,
  ) {}

  /** Median tip of recent transactions. Blocks are not full here, so a low one is enough. */
  suggestedTip(): bigint {
    const head = this.chain.head().number;
    const tips: bigint[] = [];
    for (let height = head; height > 0 && height > head - SAMPLED_BLOCKS; height--) {
      const block = this.blocks.block(height);
      if (block === undefined) break;
      for (const transaction of block.transactions)
        tips.push(effectiveTip(transaction, block.header.baseFeePerGas));
    }
    tips.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
    const median = tips[Math.floor(tips.length / 2)] ?? this.defaultTip;
    return greater(lesser(median, this.defaultTip), this.minTip);
  }

  /** A single price that is good for the next blocks. */
  gasPrice(): bigint {
    return this.chain.nextBaseFee() + this.suggestedTip();
  }

  history(blockCount: number, newest: number, percentiles: readonly number[]): FeeHistory {
    const count = Math.min(blockCount, MAX_HISTORY, newest + 1);
    const blocks: BlockWithReceipts[] = [];
    for (let height = newest - count + 1; height <= newest; height++) {
      const block = this.blocks.blockWithReceipts(height);
      if (block === undefined)
        throw new CodedError({
          code: "block-not-found",
          kind: "not-found",
          message: `block not found: ${height}`,
        });
      blocks.push(block);
    }
    const last = blocks.at(-1);
    const fees = blocks.map((block) => block.header.baseFeePerGas);
    if (last !== undefined) fees.push(this.chain.rules.nextBaseFee(last.header));
    return {
      oldestBlock: newest - count + 1,
      baseFeePerGas: fees,
      gasUsedRatio: blocks.map((block) => Number(block.header.gasUsed) / Number(block.header.gasLimit)),
      baseFeePerBlobGas: [
        ...blocks.map((block) => block.header.blobBaseFeePerGas ?? 1n),
        ...(last === undefined ? [] : [this.chain.blobBaseFeeAfter(last.header)]),
      ],
      blobGasUsedRatio: blocks.map((block) => this.chain.rules.blobGasRatio(block.header)),
      reward: percentiles.length === 0 ? undefined : blocks.map((block) => rewardsAt(block, percentiles)),
    };
  }
}

function rewardsAt(block: BlockWithReceipts, percentiles: readonly number[]): bigint[] {
  const tips = block.transactions
    .map((transaction, index) => ({
      tip: effectiveTip(transaction, block.header.baseFeePerGas),
      gas: block.receipts[index]?.gasUsed ?? 0n,
    }))
    .sort((a, b) => (a.tip < b.tip ? -1 : a.tip > b.tip ? 1 : 0));
  return percentiles.map((percentile) => {
    const threshold = Number(block.header.gasUsed) * (percentile / 100);
    let sum = 0;
    for (const { tip, gas } of tips) {
      sum += Number(gas);
      if (sum >= threshold) return tip;
    }
    return tips.at(-1)?.tip ?? 0n;
  });
}
