import { setImmediate as nextTurn } from "node:timers/promises";
import { toHex } from "@aios/core-rlp/hex";
import { encodeRlp, type RlpItem } from "@aios/core-rlp/rlp";
import { EMPTY_CODE_HASH, EMPTY_TRIE_ROOT } from "@aios/core-trie/empty-hashes";
import type { Transaction } from "lmdb";
import { corruptStore } from "../../../domain/errors.js";
import { MAX_PART_BYTES } from "../../../domain/snapshot-index.js";
import { decodeAccount } from "../../../domain/state-commitment.js";
import type { ChainDatabase } from "../chain-database.js";
import type { SnapshotWriter } from "./snapshot-directory.js";

/** A part is cut when its rows have so much; the largest row, a contract's code, still fits then. */
const PART_BYTES = MAX_PART_BYTES - 131_072;
const ROW_OVERHEAD = 16;
const ROWS_IN_TURN = 512;

/**
 * Writes the flat state that a read transaction sees, a part at a time, and lets others work in between. Throws the reason of
 * `signal` once it is aborted.
 */
export async function exportState(
  database: ChainDatabase,
  transaction: Transaction,
  writer: SnapshotWriter,
  signal?: AbortSignal,
): Promise<void> {
  const { accounts, storage } = database;
  /** Accounts with storage, and codes, that the state has: the tables may hold more. */
  const withStorage = new Set<string>();
  const used = new Map<string, Uint8Array>();
  const target = { writer, signal };
  await writeRows("accounts", accounts.getRange({ transaction }), target, (owner, rlp) => {
    const { storageRoot, codeHash } = decodeAccount(rlp);
    if (storageRoot !== EMPTY_TRIE_ROOT) withStorage.add(toHex(owner));
    if (codeHash !== EMPTY_CODE_HASH) used.set(codeHash, Buffer.from(codeHash.slice(2), "hex"));
    return true;
  });
  await writeRows("storage", storage.getRange({ transaction }), target, (key) =>
    withStorage.has(toHex(key.subarray(0, 20))),
  );
  await writeRows("codes", usedCodes(database, transaction, used), target, () => true);
}

type Row = { readonly key: Uint8Array; readonly value: Uint8Array };

function* usedCodes(
  { codes }: ChainDatabase,
  transaction: Transaction,
  used: ReadonlyMap<string, Uint8Array>,
): Iterable<Row> {
  for (const hash of [...used.keys()].sort()) {
    const key = used.get(hash) as Uint8Array;
    const value = codes.get(key, { transaction });
    if (value === undefined) throw corruptStore(`code ${hash} is missing`);
    yield { key, value };
  }
}

async function writeRows(
  kind: "accounts" | "storage" | "codes",
  rows: Iterable<Row>,
  { writer, signal }: { readonly writer: SnapshotWriter; readonly signal: AbortSignal | undefined },
  isPart: (key: Uint8Array, value: Uint8Array) => boolean,
): Promise<void> {
  let items: RlpItem[] = [];
  let bytes = 0;
  let count = 0;
  for (const { key, value } of rows) {
    if (++count % ROWS_IN_TURN === 0) await nextTurn();
    signal?.throwIfAborted();
    if (!isPart(key, value)) continue;
    if (bytes > PART_BYTES) {
      await writer.state(kind, encodeRlp(items));
      items = [];
      bytes = 0;
    }
    items.push([Uint8Array.from(key), Uint8Array.from(value)]);
    bytes += key.length + value.length + ROW_OVERHEAD;
  }
  if (items.length > 0) await writer.state(kind, encodeRlp(items));
}
