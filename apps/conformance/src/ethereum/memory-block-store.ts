import type { Block, BlockHeader, BlockWithReceipts, TransactionPlace } from "@aios/consensus/domain/block";
import { notTheNextBlock } from "@aios/consensus/domain/errors";
import type { BlockStore, OldestKept } from "@aios/consensus/domain/ports";
import type { Bytes32 } from "@aios/kernel/identifiers";

/** An imported chain, in memory. */
export class MemoryBlockStore implements BlockStore {
  readonly #blocks: BlockWithReceipts[] = [];
  readonly #heights = new Map<Bytes32, number>();
  readonly #places = new Map<Bytes32, TransactionPlace>();

  oldest(): OldestKept {
    return { block: 0, state: 0 };
  }

  head(): BlockHeader | undefined {
    return this.#blocks.at(-1)?.header;
  }

  header(height: number): BlockHeader | undefined {
    return this.#blocks[height]?.header;
  }

  heightOf(blockHash: Bytes32): number | undefined {
    return this.#heights.get(blockHash);
  }

  block(height: number): Block | undefined {
    return this.#blocks[height];
  }

  transactionCount(height: number): number | undefined {
    return this.#blocks[height]?.transactions.length;
  }

  blockWithReceipts(height: number): BlockWithReceipts | undefined {
    return this.#blocks[height];
  }

  placeOf(transactionHash: Bytes32): TransactionPlace | undefined {
    return this.#places.get(transactionHash);
  }

  *blooms(from: number, to: number): Iterable<{ readonly height: number; readonly bloom: Uint8Array }> {
    for (let height = from; height <= to; height++) {
      const header = this.header(height);
      if (header !== undefined) yield { height, bloom: header.logsBloom };
    }
  }

  async append(block: BlockWithReceipts): Promise<void> {
    const blockNumber = this.#blocks.length;
    const isNext = block.header.number === blockNumber;
    const parent = this.head();
    if (!isNext || (parent !== undefined && block.header.parentHash !== parent.hash))
      throw notTheNextBlock(blockNumber, block.header.number);
    this.#blocks.push(block);
    this.#heights.set(block.header.hash, blockNumber);
    for (const [index, transaction] of block.transactions.entries())
      this.#places.set(transaction.hash, { blockNumber, index });
  }
}
