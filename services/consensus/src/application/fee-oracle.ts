import { CodedError } from "@aios/kernel/coded-error";
import type { Bytes32 } from "@aios/kernel/identifiers";
import { greater, lesser } from "../domain/bigint.js";
import type { BlockWithReceipts } from "../domain/block.js";
import type { BlockReader } from "../domain/ports.js";
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
  #suggested: { readonly head: Bytes32; readonly tip: bigint } | undefined;

  constructor(
    private readonly chain: ChainView,
    private readonly blocks: BlockReader,
    /** Suggested when recent blocks say nothing. Wei per gas. */
    private readonly defaultTip: bigint,
    private readonly minTip: bigint,
  ) {}

  /** Median tip of recent transactions. Blocks are not full here, so a low one is enough. */
  suggestedTip(): bigint {
    const { number, hash } = this.chain.head();
    if (this.#suggested?.head !== hash) this.#suggested = { head: hash, tip: this.#tipAt(number) };
    return this.#suggested.tip;
  }

  #tipAt(head: number): bigint {
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
    const oldest = newest - count + 1;
    const headers = Array.from({ length: count }, (_, index) =>
      found(this.blocks.header(oldest + index), oldest + index),
    );
    const last = headers.at(-1);
    const after = last === undefined ? [] : [last];
    return {
      oldestBlock: oldest,
      baseFeePerGas: [
        ...headers.map(({ baseFeePerGas }) => baseFeePerGas),
        ...after.map((header) => this.chain.rules.nextBaseFee(header)),
      ],
      gasUsedRatio: headers.map(({ gasUsed, gasLimit }) => Number(gasUsed) / Number(gasLimit)),
      baseFeePerBlobGas: [
        ...headers.map(({ blobBaseFeePerGas }) => blobBaseFeePerGas ?? 1n),
        ...after.map((header) => this.chain.blobBaseFeeAfter(header)),
      ],
      blobGasUsedRatio: headers.map((header) => this.chain.rules.blobGasRatio(header)),
      // One block at a time: a thousand full ones would not fit into memory.
      reward:
        percentiles.length === 0
          ? undefined
          : headers.map(({ number }) =>
              rewardsAt(found(this.blocks.blockWithReceipts(number), number), percentiles),
            ),
    };
  }
}

function found<T>(block: T | undefined, height: number): T {
  if (block !== undefined) return block;
  throw new CodedError({
    code: "block-not-found",
    kind: "not-found",
    message: `block not found: ${height}`,
  });
}

function rewardsAt(block: BlockWithReceipts, percentiles: readonly number[]): bigint[] {
  const tips = block.transactions
    .map((transaction, index) => ({
      tip: effectiveTip(transaction, block.header.baseFeePerGas),
      gas: block.receipts[index]?.gasUsed ?? 0n,
    }))
    .sort((a, b) => (a.tip < b.tip ? -1 : a.tip > b.tip ? 1 : 0));
  return percentiles.map((percentile) => {
    // Whole gas, as Geth counts it.
    const threshold = Math.floor(Number(block.header.gasUsed) * (percentile / 100));
    let sum = 0;
    for (const { tip, gas } of tips) {
      sum += Number(gas);
      if (sum >= threshold) return tip;
    }
    return tips.at(-1)?.tip ?? 0n;
  });
}
