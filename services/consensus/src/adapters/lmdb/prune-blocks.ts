import { keccak256 } from "@aios/core-keccak/keccak";
import { fromHex } from "@aios/core-rlp/hex";
import { decodeRlp, rlpBytes, rlpList } from "@aios/core-rlp/rlp";
import { decodeHeader } from "../../domain/block-codec.js";
import { type ChainDatabase, heightBytes } from "./chain-database.js";
import type { WriteBatch } from "./write-batch.js";

const OLDEST = "oldest-block";
/** Removed with one block that is stored: more than one, so that a node catches up that kept more before. */
const AT_ONCE = 16;

/** The oldest block after genesis that is there, with all that follow; 0 where nothing was removed. */
export function oldestBlock({ meta }: ChainDatabase): number {
  const height = meta.get(OLDEST);
  return height === undefined ? 0 : Number(height.readBigUInt64BE());
}

/** Says that no block after genesis and before this one is there. */
export function putOldestBlock({ meta }: ChainDatabase, batch: WriteBatch, height: number): void {
  batch.put(meta, OLDEST, heightBytes(height));
}

/** Removes some of the blocks before `keptFrom`, oldest first, with their receipts and indexes; block 0 stays. */
export function pruneBlocks(database: ChainDatabase, batch: WriteBatch, keptFrom: number): void {
  const oldest = Math.max(1, oldestBlock(database));
  const end = Math.min(keptFrom, oldest + AT_ONCE);
  if (end <= oldest) return;
  for (let height = oldest; height < end; height++) pruneBlock(database, batch, height);
  putOldestBlock(database, batch, end);
}

function pruneBlock(database: ChainDatabase, batch: WriteBatch, height: number): void {
  const header = database.headers.get(height);
  if (header !== undefined) batch.remove(database.heights, fromHex(decodeHeader(header).hash));
  const body = database.bodies.get(height);
  for (const item of body === undefined ? [] : rlpList(decodeRlp(body)))
    batch.remove(database.places, keccak256(rlpBytes(rlpList(item)[0])));
  for (const table of [database.headers, database.blooms, database.bodies, database.receipts])
    batch.remove(table, height);
}
