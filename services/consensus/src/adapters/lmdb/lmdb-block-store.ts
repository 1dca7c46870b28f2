import { fromHex } from "@aios/core-rlp/hex";
import { decodeRlp, encodeRlp, rlpBytes, rlpList, splitRlpList } from "@aios/core-rlp/rlp";
import type { Bytes32 } from "@aios/kernel/identifiers";
import type { Block, BlockHeader, BlockWithReceipts, TransactionPlace } from "../../domain/block.js";
import { decodeHeader, decodeReceipts, encodeHeader, encodeReceipts } from "../../domain/block-codec.js";
import { corruptStore, notTheNextBlock } from "../../domain/errors.js";
import type { BlockStore, ExecutedBlock, OldestKept } from "../../domain/ports.js";
import type { SignedTransaction } from "../../domain/transaction.js";
import { type ChainDatabase, heightBytes } from "./chain-database.js";
import { oldestBlock, pruneBlocks } from "./prune-blocks.js";
import type { TrieSweep } from "./trie-sweep.js";
import type { WriteBatch } from "./write-batch.js";
import { writeState } from "./write-state.js";

const PLACE_BYTES = 12;
const CACHED_BLOCKS = 64;
/** Of all cached blocks together, but for the last, which is kept whatever it has: users read theirs in another thread. */
const CACHED_TRANSACTIONS = 1_000;

/** Decodes what was verified before it was stored. */
export interface StoredTransactionCodec {
  decodeTrusted(raw: Uint8Array, sender: Uint8Array): SignedTransaction;
}

/** What a node that is no archive keeps. */
export interface BlockPruning {
  /** Blocks, receipts and indexes of so many heights below the head. */
  readonly keptBlocks: number;
  readonly sweep: TrieSweep;
  readonly onFailure: (error: unknown) => void;
}

/** Blocks, their indexes and the state that they leave, written together. */
export class LmdbBlockStore implements BlockStore {
  #head: BlockHeader | undefined;
  /** Height of the block that is on its way to the disk: LMDB shows it before it is there. */
  #unfinished: number | undefined;
  /** The last blocks, the oldest first. */
  readonly #recent = new Map<number, BlockWithReceipts>();
  #recentTransactions = 0;

  constructor(
    private readonly database: ChainDatabase,
    private readonly codec: StoredTransactionCodec,
    /** Absent: everything is kept. */
    private readonly pruning?: BlockPruning,
  ) {
    const height = database.meta.get("head");
    if (height !== undefined) {
      this.#head = this.header(Number(height.readBigUInt64BE()));
      if (this.#head === undefined) throw corruptStore("the header of the head is missing");
    }
  }

  head(): BlockHeader | undefined {
    return this.#head;
  }

  oldest(): OldestKept {
    return { block: oldestBlock(this.database), state: this.database.statesFrom };
  }

  header(height: number): BlockHeader | undefined {
    const recent = this.#recent.get(height);
    if (recent !== undefined) return recent.header;
    if (!isHeight(height) || height === this.#unfinished) return undefined;
    const rlp = this.database.headers.get(height);
    return rlp === undefined ? undefined : decodeHeader(rlp);
  }

  heightOf(blockHash: Bytes32): number | undefined {
    const bytes = this.database.heights.get(fromHex(blockHash));
    const height = bytes === undefined ? undefined : Number(bytes.readBigUInt64BE());
    return height === this.#unfinished ? undefined : height;
  }

  block(height: number): Block | undefined {
    const recent = this.#recent.get(height);
    if (recent !== undefined) return recent;
    const header = this.header(height);
    const body = header === undefined ? undefined : this.#body(height);
    if (header === undefined || body === undefined) return undefined;
    const transactions = rlpList(decodeRlp(body)).map((item) => {
      const [raw, sender] = rlpList(item).map(rlpBytes) as [Uint8Array, Uint8Array];
      return this.codec.decodeTrusted(raw.slice(), sender);
    });
    return { header, transactions };
  }

  transactionCount(height: number): number | undefined {
    const recent = this.#recent.get(height);
    if (recent !== undefined) return recent.transactions.length;
    const body = this.header(height) === undefined ? undefined : this.#body(height);
    return body === undefined ? undefined : splitRlpList(body).length;
  }

  blockWithReceipts(height: number): BlockWithReceipts | undefined {
    const recent = this.#recent.get(height);
    if (recent !== undefined) return recent;
    const block = this.block(height);
    if (block === undefined) return undefined;
    const receipts = this.database.receipts.get(height);
    if (receipts === undefined) throw corruptStore(`the receipts of block ${height} are missing`);
    return { ...block, receipts: decodeReceipts(receipts) };
  }

  placeOf(transactionHash: Bytes32): TransactionPlace | undefined {
    const place = this.database.places.get(fromHex(transactionHash));
    if (place === undefined) return undefined;
    const blockNumber = Number(place.readBigUInt64BE(0));
    return blockNumber === this.#unfinished ? undefined : { blockNumber, index: place.readUInt32BE(8) };
  }

  *blooms(from: number, to: number): Iterable<{ readonly height: number; readonly bloom: Uint8Array }> {
    for (const { key, value } of this.database.blooms.getRange({ start: from, end: to + 1 })) {
      if (key !== this.#unfinished) yield { height: key, bloom: value };
    }
  }

  async append(block: ExecutedBlock): Promise<void> {
    const expected = this.#head === undefined ? 0 : this.#head.number + 1;
    const { header } = block;
    if (header.number !== expected || (this.#head !== undefined && header.parentHash !== this.#head.hash)) {
      throw notTheNextBlock(expected, header.number);
    }
    this.#unfinished = header.number;
    try {
      await this.database.write((batch) => {
        writeState(this.database, batch, block);
        batch.put(this.database.meta, "state-root", fromHex(header.stateRoot));
        this.#writeBlock(batch, block);
        if (this.pruning === undefined) return;
        pruneBlocks(this.database, batch, header.number - this.pruning.keptBlocks);
        this.pruning.sweep.writing(block);
      });
      this.#head = header;
      this.pruning?.sweep.stored(header, this.pruning.onFailure);
    } finally {
      this.#unfinished = undefined;
    }
    this.database.latestAccounts.advance(header.stateRoot, block.changes.accounts);
    this.database.tries.keep(block.tries);
    this.#remember({ header, transactions: block.transactions, receipts: block.receipts });
  }

  #body(height: number): Uint8Array | undefined {
    const body = this.database.bodies.get(height);
    // A chain that began with a snapshot has some headers from before it.
    if (body === undefined && height >= oldestBlock(this.database))
      throw corruptStore(`the body of block ${height} is missing`);
    return body;
  }

  #remember(block: BlockWithReceipts): void {
    this.#recent.set(block.header.number, block);
    this.#recentTransactions += block.transactions.length;
    for (const [height, { transactions }] of this.#recent) {
      const fits = this.#recent.size <= CACHED_BLOCKS && this.#recentTransactions <= CACHED_TRANSACTIONS;
      if (fits || height === block.header.number) break;
      this.#recent.delete(height);
      this.#recentTransactions -= transactions.length;
    }
  }

  #writeBlock(batch: WriteBatch, { header, transactions, receipts }: ExecutedBlock): void {
    const height = header.number;
    const database = this.database;
    batch.put(database.headers, height, encodeHeader(header));
    if (header.logsBloom.some((byte) => byte !== 0)) batch.put(database.blooms, height, header.logsBloom);
    batch.put(database.bodies, height, encodeRlp(transactions.map((tx) => [tx.raw, fromHex(tx.sender)])));
    batch.put(database.receipts, height, encodeReceipts(receipts));
    batch.put(database.heights, fromHex(header.hash), heightBytes(height));
    const places = placesOf(height, transactions.length);
    transactions.forEach((transaction, index) => {
      const place = places.subarray(index * PLACE_BYTES, (index + 1) * PLACE_BYTES);
      batch.put(database.places, fromHex(transaction.hash), place);
    });
    batch.put(database.meta, "head", heightBytes(height));
  }
}

/** The places of a block's transactions, one behind the other: height (8 bytes) and index (4 bytes). */
function placesOf(height: number, count: number): Uint8Array {
  const out = new Uint8Array(count * PLACE_BYTES);
  const view = new DataView(out.buffer);
  const blockNumber = BigInt(height);
  for (let index = 0; index < count; index++) {
    view.setBigUint64(index * PLACE_BYTES, blockNumber);
    view.setUint32(index * PLACE_BYTES + 8, index);
  }
  return out;
}

function isHeight(height: number): boolean {
  return Number.isInteger(height) && height >= 0 && height < 2 ** 32;
}
