import type { Bytes32 } from "@aios/kernel/identifiers";
import type { Block, BlockHeader, BlockWithReceipts, TransactionPlace } from "../../domain/block.js";
import type { BlockReader, OldestKept } from "../../domain/ports.js";
import type { SharedHead } from "./shared-head.js";

const CACHED_BLOCKS = 64;
/** Of all cached blocks together, but for the last, which is kept whatever it has. */
const CACHED_TRANSACTIONS = 10_000;

/** Blocks that another thread stores: what the disk shows before that thread says so is not there yet. */
export class AnnouncedBlocks implements BlockReader {
  #seen = -1;
  #header: BlockHeader | undefined;
  /** Blocks that were read last, the oldest first; some without their receipts. */
  readonly #recent = new Map<number, Block & Partial<BlockWithReceipts>>();
  #recentTransactions = 0;

  constructor(
    private readonly stored: BlockReader,
    private readonly shared: SharedHead,
    /** What is read from now on is as new as the head. */
    private readonly refresh: () => void,
  ) {}

  oldest(): OldestKept {
    return this.stored.oldest();
  }

  head(): BlockHeader | undefined {
    this.#follow();
    return this.#header;
  }

  header(height: number): BlockHeader | undefined {
    return this.#isThere(height)
      ? (this.#recent.get(height)?.header ?? this.stored.header(height))
      : undefined;
  }

  heightOf(blockHash: Bytes32): number | undefined {
    this.#follow();
    const height = this.stored.heightOf(blockHash);
    return height !== undefined && this.#isThere(height) ? height : undefined;
  }

  block(height: number): Block | undefined {
    if (!this.#isThere(height)) return undefined;
    return this.#recent.get(height) ?? this.#remember(this.stored.block(height));
  }

  transactionCount(height: number): number | undefined {
    if (!this.#isThere(height)) return undefined;
    return this.#recent.get(height)?.transactions.length ?? this.stored.transactionCount(height);
  }

  blockWithReceipts(height: number): BlockWithReceipts | undefined {
    if (!this.#isThere(height)) return undefined;
    const recent = this.#recent.get(height);
    if (recent?.receipts !== undefined) return { ...recent, receipts: recent.receipts };
    return this.#remember(this.stored.blockWithReceipts(height));
  }

  placeOf(transactionHash: Bytes32): TransactionPlace | undefined {
    this.#follow();
    const place = this.stored.placeOf(transactionHash);
    return place !== undefined && this.#isThere(place.blockNumber) ? place : undefined;
  }

  blooms(from: number, to: number): Iterable<{ readonly height: number; readonly bloom: Uint8Array }> {
    return this.stored.blooms(from, Math.min(to, this.#follow()));
  }

  #isThere(height: number): boolean {
    return height <= this.#follow();
  }

  /** Height of the head. */
  #follow(): number {
    const { height } = this.shared;
    if (height !== this.#seen) {
      this.refresh();
      this.#seen = height;
      this.#header = this.stored.header(height);
    }
    return height;
  }

  #remember<B extends Block>(block: B | undefined): B | undefined {
    if (block === undefined) return undefined;
    const { number } = block.header;
    this.#forget(number);
    this.#recent.set(number, block);
    this.#recentTransactions += block.transactions.length;
    for (const height of this.#recent.keys()) {
      const fits = this.#recent.size <= CACHED_BLOCKS && this.#recentTransactions <= CACHED_TRANSACTIONS;
      if (fits || height === number) break;
      this.#forget(height);
    }
    return block;
  }

  #forget(height: number): void {
    this.#recentTransactions -= this.#recent.get(height)?.transactions.length ?? 0;
    this.#recent.delete(height);
  }
}
