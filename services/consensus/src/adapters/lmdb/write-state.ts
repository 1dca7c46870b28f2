import { concat, fromHex } from "@aios/core-rlp/hex";
import { SlabWriter } from "@aios/core-trie/slab";
import { encodeAccount, type StateCommitment } from "../../domain/state-commitment.js";
import type { ChainDatabase } from "./chain-database.js";
import type { WriteBatch } from "./write-batch.js";

/** Writes what differs from the state before to the flat tables, and the new nodes of the trie. */
export function writeState(
  database: ChainDatabase,
  batch: WriteBatch,
  { changes, trieNodes }: Pick<StateCommitment, "changes" | "trieNodes">,
): void {
  const { accounts, storage, codes } = database;
  const slabs = new SlabWriter();
  for (const [owner, account] of changes.accounts) {
    if (account === null) batch.remove(accounts, fromHex(owner));
    else batch.put(accounts, fromHex(owner), encodeAccount(account, slabs.view));
  }
  for (const owner of changes.clearedStorage) {
    const prefix = fromHex(owner);
    const keys = [...storage.getKeys({ start: prefix, end: concat(prefix, new Uint8Array(33).fill(255)) })];
    for (const key of keys) batch.remove(storage, key);
  }
  for (const [owner, slots] of changes.storage) {
    for (const [slot, value] of slots) {
      const key = concat(fromHex(owner), fromHex(slot));
      if (value.length === 0) batch.remove(storage, key);
      else batch.put(storage, key, value);
    }
  }
  for (const [hash, code] of changes.codes) batch.put(codes, fromHex(hash), code);
  database.tries.write(batch, trieNodes);
}
