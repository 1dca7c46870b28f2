import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Database, open, type RootDatabase, type Transaction } from "lmdb";
import { committed, committedSync, requireRoomToOpen } from "./disk-full.js";
import { upgradeFormat } from "./format.js";
import { LatestAccounts } from "./latest-accounts.js";
import { StoredTries } from "./stored-tries.js";
import { WriteBatch } from "./write-batch.js";

/**
 * Address space for the file. Each time that it outgrows its map the library makes another of twice the size, and keeps
 * the old ones, whose pages count again. Elsewhere than on Linux a map may take its size of the disk.
 */
const MAP = process.platform === "linux" ? { mapSize: 8 * 1024 ** 3 } : {};

export const CHAIN_FILE = "chain.lmdb";

type BinaryTable = Database<Buffer, Uint8Array>;
type NumberedTable = Database<Buffer, number>;

/** The tables of the node, in one LMDB environment, so that one transaction covers them all. */
export class ChainDatabase {
  /** address (20 bytes) → RLP account. */
  readonly accounts: BinaryTable;
  /** address and slot (52 bytes) → value without leading zeros. */
  readonly storage: BinaryTable;
  /** keccak256 → code. */
  readonly codes: BinaryTable;
  /** keccak256 → a trie node: RLP, with the places of its children behind it where they have some. */
  readonly trieNodes: BinaryTable;
  /** place (6 bytes) → a trie node, likewise. */
  readonly placedNodes: BinaryTable;
  readonly headers: NumberedTable;
  readonly blooms: NumberedTable;
  /** height → RLP [[raw transaction, sender]…]. */
  readonly bodies: NumberedTable;
  readonly receipts: NumberedTable;
  /** block hash → height (8 bytes). */
  readonly heights: BinaryTable;
  /** transaction hash → height (8 bytes) and index (4 bytes). */
  readonly places: BinaryTable;
  /** record → run of arrival in ms (8 bytes), length (4 bytes) and raw transaction. */
  readonly mempool: NumberedTable;
  /** public key of the guilty (48 bytes) → JSON of the evidence. */
  readonly evidence: BinaryTable;
  readonly meta: Database<Buffer, string>;
  /** What whoever writes blocks and whoever reads states share. */
  readonly latestAccounts = new LatestAccounts();
  readonly tries = new StoredTries(this);
  readonly #root: RootDatabase;
  readonly #directory: string;

  constructor(
    directory: string,
    options: { readonly readOnly?: boolean; readonly isSyncedLater?: boolean } = {},
  ) {
    this.#directory = directory;
    this.#root = committedSync(directory, () => {
      mkdirSync(directory, { recursive: true });
      if (options.readOnly !== true) requireRoomToOpen(directory);
      return open({
        path: join(directory, CHAIN_FILE),
        maxDbs: 16,
        encoding: "binary",
        noSubdir: true,
        readOnly: options.readOnly ?? false,
        ...MAP,
        // Nothing counts before the whole is brought to disk, by whoever asked for it.
        ...(options.isSyncedLater === true ? { noSync: true } : {}),
        // Says of each write when it is safe from power loss, which others are told of it may not come before.
        separateFlushed: true,
        // Else the library makes promises of its own that nobody can catch when a commit fails. Writes share commits anyway.
        eventTurnBatching: false,
      });
    });
    if (options.readOnly !== true) committedSync(directory, () => upgradeFormat(this.#root));
    const binary = (name: string): BinaryTable =>
      this.#root.openDB<Buffer, Uint8Array>({ name, encoding: "binary", keyEncoding: "binary" });
    const numbered = (name: string): NumberedTable =>
      this.#root.openDB<Buffer, number>({ name, encoding: "binary", keyEncoding: "uint32" });
    this.accounts = binary("accounts");
    this.storage = binary("storage");
    this.codes = binary("codes");
    this.trieNodes = binary("trie-nodes");
    this.placedNodes = binary("placed-trie-nodes");
    this.headers = numbered("headers");
    this.blooms = numbered("blooms");
    this.bodies = numbered("bodies");
    this.receipts = numbered("receipts");
    this.heights = binary("heights");
    this.places = binary("places");
    this.mempool = numbered("mempool-records");
    this.evidence = binary("evidence");
    this.meta = this.#root.openDB<Buffer, string>({ name: "meta", encoding: "binary" });
  }

  /**
   * All writes that `action` asks for, or none. They are made, and brought to disk, on LMDB's own thread; resolves when
   * they are there. The bytes written must not change before. Throws `disk-full`.
   */
  async write(action: (batch: WriteBatch) => void): Promise<void> {
    await this.committed(this.#root.batch(() => action(new WriteBatch())));
  }

  /** Forgets the state of a chain that never got its first block. Throws `disk-full`. */
  async clearState(): Promise<void> {
    for (const table of [this.accounts, this.storage, this.codes, this.trieNodes, this.placedNodes])
      await this.committed(table.clearAsync());
  }

  get trieNodeCount(): number {
    const count = (table: BinaryTable): number =>
      (table.getStats() as { readonly entryCount: number }).entryCount;
    return count(this.trieNodes) + count(this.placedNodes);
  }

  /** States before this height may have lost nodes; 0 where none was removed. */
  get statesFrom(): number {
    const height = this.meta.get("states-from");
    return height === undefined ? 0 : Number(height.readBigUInt64BE());
  }

  /** What a single write promises. Throws `disk-full`, and then it is not there. */
  committed<T>(written: Promise<T>): Promise<T> {
    return committed(this.#directory, written);
  }

  /** A stable view of all tables as they are now, to be given back by `done`. */
  snapshot(): Transaction {
    // Else everything read in one turn shares the view of its first read, however old that is by now.
    this.refresh();
    return this.#root.useReadTransaction();
  }

  /** What is read from now on in this thread, outside snapshots, is as new as the disk. */
  refresh(): void {
    this.#root.resetReadTxn();
  }

  close(): Promise<void> {
    return this.#root.close();
  }
}

export function heightBytes(height: number): Buffer {
  const out = Buffer.alloc(8);
  out.writeBigUInt64BE(BigInt(height));
  return out;
}
