import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Database, open, type RootDatabase, type Transaction } from "lmdb";
import { LatestAccounts } from "./latest-accounts.js";

const FORMAT_VERSION = 2;

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
  /** keccak256 → RLP of a trie node. */
  readonly trieNodes: BinaryTable;
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
  readonly meta: Database<Buffer, string>;
  /** What whoever writes blocks and whoever reads states share. */
  readonly latestAccounts = new LatestAccounts();
  readonly #root: RootDatabase;

  constructor(directory: string, options: { readonly readOnly?: boolean } = {}) {
    mkdirSync(directory, { recursive: true });
    this.#root = open({
      path: join(directory, "chain.lmdb"),
      maxDbs: 16,
      encoding: "binary",
      noSubdir: true,
      readOnly: options.readOnly ?? false,
    });
    const binary = (name: string): BinaryTable =>
      this.#root.openDB<Buffer, Uint8Array>({ name, encoding: "binary", keyEncoding: "binary" });
    const numbered = (name: string): NumberedTable =>
      this.#root.openDB<Buffer, number>({ name, encoding: "binary", keyEncoding: "uint32" });
    this.accounts = binary("accounts");
    this.storage = binary("storage");
    this.codes = binary("codes");
    this.trieNodes = binary("trie-nodes");
    this.headers = numbered("headers");
    this.blooms = numbered("blooms");
    this.bodies = numbered("bodies");
    this.receipts = numbered("receipts");
    this.heights = binary("heights");
    this.places = binary("places");
    this.mempool = numbered("mempool");
    this.meta = this.#root.openDB<Buffer, string>({ name: "meta", encoding: "binary" });
    if (this.meta.get("format") === undefined && options.readOnly !== true) {
      this.meta.putSync("format", Buffer.from([FORMAT_VERSION]));
    }
  }

  /** Version of the layout that the directory was written with. */
  get format(): number | undefined {
    return this.meta.get("format")?.[0];
  }

  static readonly format = FORMAT_VERSION;

  /**
   * All writes that `action` asks for, or none. They are made, and brought to disk, on LMDB's own thread; resolves when
   * they are there. The bytes written must not change before.
   */
  async write(action: () => void): Promise<void> {
    await this.#root.batch(action);
  }

  /** A stable view of all tables as they are now, to be given back by `done`. */
  snapshot(): Transaction {
    // Else everything read in one turn shares the view of its first read, however old that is by now.
    this.#root.resetReadTxn();
    return this.#root.useReadTransaction();
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
