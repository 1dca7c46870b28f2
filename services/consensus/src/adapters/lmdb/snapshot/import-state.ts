import { snapshotInvalid } from "@aios/core-honor-node/snapshot-fault";
import { keccak256 } from "@aios/core-keccak/keccak";
import { toHex } from "@aios/core-rlp/hex";
import { decodeRlp, encodeRlp, rlpBytes, rlpList } from "@aios/core-rlp/rlp";
import { EMPTY_CODE_HASH, EMPTY_TRIE_ROOT } from "@aios/core-trie/empty-hashes";
import { sortedTrieRoot } from "@aios/core-trie/sorted-trie";
import type { Bytes32 } from "@aios/kernel/identifiers";
import { type PartKind, reading } from "../../../domain/snapshot-index.js";
import { decodeAccount } from "../../../domain/state-commitment.js";
import type { ChainDatabase } from "../chain-database.js";
import { SortedRows } from "./sorted-rows.js";

const ADDRESS_BYTES = 20;
const SLOT_KEY_BYTES = 52;
const HASH_BYTES = 32;
const MAX_ACCOUNT_BYTES = 128;
const NODES_IN_WRITE = 20_000;
/** Beyond so many, those of contracts' storage are written. */
const NODES_HELD = 200_000;

/**
 * Takes a state in, rows in the order of their keys, table after table, and builds every trie anew from its rows: the state
 * is right when the root is. In memory are the accounts and the slots of one contract at a time, about 120 bytes each, and the nodes of their trie.
 */
export class StateImport {
  readonly #database: ChainDatabase;
  /** By keccak256 of what the table is keyed by. */
  readonly #accounts = new SortedRows();
  /** Storage roots and codes that accounts name and nothing has shown yet. */
  readonly #storageRoots = new Map<string, Bytes32>();
  readonly #codes = new Set<string>();
  #last: { readonly kind: PartKind; readonly key: Buffer } | undefined;
  #owner: string | undefined;
  readonly #slots = new SortedRows();
  readonly #nodes = new SortedRows();

  constructor(database: ChainDatabase) {
    this.#database = database;
  }

  /** Takes the rows of a part. Throws `invalid-snapshot` with the field. */
  async part(kind: Exclude<PartKind, "chain">, bytes: Uint8Array): Promise<void> {
    const rows = reading(kind, () =>
      rlpList(decodeRlp(bytes, 3)).map((row) => {
        const [key, value, ...more] = rlpList(row).map(rlpBytes);
        if (key === undefined || value === undefined || more.length > 0) throw snapshotInvalid(kind);
        // Copies, so that nothing keeps the whole part.
        return { key: Buffer.from(key), value: Buffer.from(value) };
      }),
    );
    for (const { key, value } of rows) this.#row(kind, key, value);
    await this.#flush(NODES_HELD);
    const table = this.#database[kind];
    await this.#database.write((batch) => {
      for (const { key, value } of rows) batch.put(table, key, value);
    });
  }

  /** The root of all that was taken in, whose nodes are on disk then. Throws `invalid-snapshot`. */
  async finish(): Promise<Bytes32> {
    this.#endOwner();
    if (this.#storageRoots.size > 0) throw snapshotInvalid("storage.missing");
    if (this.#codes.size > 0) throw snapshotInvalid("codes.missing");
    const root = sortedTrieRoot(this.#accounts, this.#store);
    this.#accounts.clear();
    await this.#flush(0);
    return root;
  }

  #row(kind: Exclude<PartKind, "chain">, key: Buffer, value: Buffer): void {
    if (this.#last?.kind === kind && Buffer.compare(key, this.#last.key) <= 0)
      throw snapshotInvalid(`${kind}.order`);
    this.#last = { kind, key };
    if (kind === "accounts") this.#account(key, value);
    else if (kind === "storage") this.#slot(key, value);
    else if (key.length !== HASH_BYTES || !this.#codes.delete(toHex(keccak256(value))) || !equal(key, value))
      throw snapshotInvalid("codes");
  }

  #account(key: Buffer, value: Buffer): void {
    if (key.length !== ADDRESS_BYTES || value.length > MAX_ACCOUNT_BYTES) throw snapshotInvalid("accounts");
    const { storageRoot, codeHash } = reading("accounts", () => decodeAccount(value));
    if (storageRoot !== EMPTY_TRIE_ROOT) this.#storageRoots.set(toHex(key), storageRoot);
    if (codeHash !== EMPTY_CODE_HASH) this.#codes.add(codeHash);
    this.#accounts.add(keccak256(key), value);
  }

  #slot(key: Buffer, value: Buffer): void {
    if (key.length !== SLOT_KEY_BYTES || value.length === 0 || value.length > HASH_BYTES || value[0] === 0)
      throw snapshotInvalid("storage");
    const owner = toHex(key.subarray(0, ADDRESS_BYTES));
    if (owner !== this.#owner) {
      this.#endOwner();
      this.#owner = owner;
    }
    this.#slots.add(keccak256(key.subarray(ADDRESS_BYTES)), encodeRlp(value));
  }

  #endOwner(): void {
    if (this.#owner === undefined) return;
    const expected = this.#storageRoots.get(this.#owner);
    const root = sortedTrieRoot(this.#slots, this.#store);
    if (root !== expected) throw snapshotInvalid("storage.root");
    this.#storageRoots.delete(this.#owner);
    this.#owner = undefined;
    this.#slots.clear();
  }

  readonly #store = (hash: Uint8Array, rlp: Uint8Array): void => this.#nodes.add(hash, rlp);

  /** In the order of their hashes, so that pages fill one after the other. */
  async #flush(beyond: number): Promise<void> {
    const nodes = this.#nodes;
    if (nodes.length <= beyond) return;
    for (let start = 0; start < nodes.length; start += NODES_IN_WRITE)
      await this.#database.write((batch) => {
        const end = Math.min(nodes.length, start + NODES_IN_WRITE);
        for (let at = start; at < end; at++)
          batch.put(this.#database.trieNodes, nodes.key(at), nodes.value(at));
      });
    nodes.clear();
  }
}

function equal(key: Buffer, code: Buffer): boolean {
  return key.equals(keccak256(code));
}
