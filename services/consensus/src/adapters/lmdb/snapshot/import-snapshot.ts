import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { abstentionAfterRestore, type SnapshotTrust } from "@aios/core-honor-node/chain-snapshot";
import type { ChainSettings } from "@aios/core-honor-node/node-settings";
import { type OwnLog, readOwnLog } from "@aios/core-honor-node/own-log";
import { snapshotInvalid } from "@aios/core-honor-node/snapshot-fault";
import { fromHex } from "@aios/core-rlp/hex";
import { encodeRlp } from "@aios/core-rlp/rlp";
import { CodedError, isCodedError } from "@aios/kernel/coded-error";
import { encodeHeader, encodeReceipts } from "../../../domain/block-codec.js";
import type { Genesis } from "../../../domain/genesis.js";
import {
  chainOfSnapshot,
  decodeSnapshotChain,
  type FoundedStaking,
  type ProvenChain,
  proveSnapshotChain,
} from "../../../domain/snapshot-chain.js";
import {
  decodeIndex,
  MAX_PART_BYTES,
  type SnapshotIndex,
  type SnapshotPart,
  type SnapshotSource,
} from "../../../domain/snapshot-index.js";
import { CHAIN_FILE, ChainDatabase, heightBytes } from "../chain-database.js";
import { LmdbHonorLog } from "../lmdb-honor-log.js";
import { putOldestBlock } from "../prune-blocks.js";
import { StateImport } from "./import-state.js";
import { abandonIncoming, completeIncoming, openIncoming, settleIncoming } from "./incoming.js";

/** Most that certificates, headers and the DAG of a snapshot have together. */
const MAX_CHAIN_PARTS = 64;
const ENTRIES_IN_WRITE = 2_000;

export interface ImportTarget {
  readonly dataDir: string;
  readonly genesis: Genesis;
  readonly genesisDigest: Buffer;
  readonly isArchive: boolean;
  readonly trust: Omit<SnapshotTrust, "chain" | "verified">;
  /** Of a chain with a staking contract. */
  readonly staking?: FoundedStaking | undefined;
}

/**
 * Puts a snapshot in the place of the chain that a data directory has, if any: checks the certificates first, then takes the
 * state in beside the old one, compares its root, and changes over at once. Whatever fails before leaves the old
 * chain as it was. Nothing else may have the directory open. Returns the height. Throws `invalid-snapshot` with the field,
 * `trust-expired`, `snapshot-too-old`, `archive-would-lose`, and what the source throws.
 */
export async function importSnapshot(source: SnapshotSource, target: ImportTarget): Promise<number> {
  const { dataDir } = target;
  await settleIncoming(dataDir);
  const index = decodeIndex(await source.index());
  requireProgress(index, await ownHead(dataDir), target.isArchive);
  const chain = await readChain(source, index);
  const settings = chainOfSnapshot(chain, target.genesis, target.staking);
  const own = await ownLog(dataDir, settings);
  const proven = proveSnapshotChain(chain, { ...target.trust, chain: settings, verified: own?.verified });
  const path = await openIncoming(dataDir);
  try {
    const database = new ChainDatabase(path, { isSyncedLater: true });
    try {
      await takeState(source, index, database, proven.root);
      await writeChain(database, target, proven);
      await carryOver(dataDir, database);
    } finally {
      await database.close();
    }
    const abstention = abstentionAfterRestore(settings, target.trust.nowMs, own);
    await writeLog(path, target, proven, { kind: "abstention", abstention });
    await completeIncoming(dataDir, settings.chainId);
  } catch (error) {
    await abandonIncoming(dataDir);
    throw error;
  }
  await settleIncoming(dataDir);
  return proven.height;
}

function requireProgress({ height }: SnapshotIndex, head: number | undefined, isArchive: boolean): void {
  if (head === undefined) return;
  if (height <= head)
    throw new CodedError({
      code: "snapshot-too-old",
      kind: "conflict",
      message: `This node is at height ${head} already: the snapshot is of height ${height}.`,
      details: { height, head },
    });
  if (isArchive)
    throw new CodedError({
      code: "archive-would-lose",
      kind: "conflict",
      message: "An archive keeps every block: begin in another directory, or keep a pruned history.",
    });
}

/** The last block that a directory has; undefined where it has no chain. */
export async function ownHead(dataDir: string): Promise<number | undefined> {
  if (!existsSync(join(dataDir, CHAIN_FILE))) return undefined;
  const database = new ChainDatabase(dataDir);
  try {
    const head = database.meta.get("head");
    return head === undefined ? undefined : Number(head.readBigUInt64BE());
  } finally {
    await database.close();
  }
}

/** What this node decided and said; undefined where it has no log, so that nobody knows. Throws `invalid-snapshot`. */
async function ownLog(dataDir: string, chain: ChainSettings): Promise<OwnLog | undefined> {
  if (!LmdbHonorLog.isIn(dataDir)) return undefined;
  const log = openOf(dataDir, chain.chainId);
  try {
    return readOwnLog(log.load(), chain);
  } finally {
    await log.close();
  }
}

function openOf(dataDir: string, chainId: string): LmdbHonorLog {
  try {
    return new LmdbHonorLog(dataDir, chainId);
  } catch (cause) {
    if (!isCodedError(cause) || cause.code !== "genesis-mismatch") throw cause;
    throw snapshotInvalid("chain", cause);
  }
}

async function readPart(source: SnapshotSource, { parts }: SnapshotIndex, at: number): Promise<Uint8Array> {
  const expected = parts[at] as SnapshotPart;
  const bytes = await source.part(at, expected);
  const hash = createHash("sha256").update(bytes).digest();
  if (bytes.length !== expected.sizeBytes || !hash.equals(expected.sha256)) throw snapshotInvalid("part");
  return bytes;
}

async function readChain(
  source: SnapshotSource,
  index: SnapshotIndex,
): Promise<ReturnType<typeof decodeSnapshotChain>> {
  const count = index.parts.filter(({ kind }) => kind === "chain").length;
  if (count > MAX_CHAIN_PARTS) throw snapshotInvalid("index.parts");
  const bytes = Buffer.alloc(count * MAX_PART_BYTES);
  let length = 0;
  for (let at = 0; at < count; at++) {
    const part = await readPart(source, index, at);
    bytes.set(part, length);
    length += part.length;
  }
  const chain = decodeSnapshotChain(bytes.subarray(0, length));
  if (chain.chain.height !== index.height) throw snapshotInvalid("index.height");
  return chain;
}

async function takeState(
  source: SnapshotSource,
  index: SnapshotIndex,
  database: ChainDatabase,
  root: string,
): Promise<void> {
  const state = new StateImport(database);
  for (const [at, { kind }] of index.parts.entries())
    if (kind !== "chain") await state.part(kind, await readPart(source, index, at));
  if ((await state.finish()).slice(2) !== root) throw snapshotInvalid("state.root");
}

async function writeLog(
  path: string,
  { isArchive }: ImportTarget,
  proven: ProvenChain,
  abstention: Parameters<LmdbHonorLog["append"]>[0][number],
): Promise<void> {
  const log = new LmdbHonorLog(path, proven.signingChainId, { archive: isArchive });
  const entries = [...proven.entries, abstention];
  for (let start = 0; start < entries.length; start += ENTRIES_IN_WRITE)
    await log.append(entries.slice(start, start + ENTRIES_IN_WRITE));
  await log.close();
}

async function writeChain(
  database: ChainDatabase,
  { genesisDigest }: ImportTarget,
  { headers, genesisHeader, height, root }: ProvenChain,
): Promise<void> {
  await database.write((batch) => {
    for (const header of [genesisHeader, ...headers]) {
      batch.put(database.headers, header.number, encodeHeader(header));
      batch.put(database.heights, fromHex(header.hash), heightBytes(header.number));
    }
    batch.put(database.bodies, 0, encodeRlp([]));
    batch.put(database.receipts, 0, encodeReceipts([]));
    putOldestBlock(database, batch, height + 1);
    batch.put(database.meta, "states-from", heightBytes(height));
    batch.put(database.meta, "state-root", Buffer.from(root, "hex"));
    batch.put(database.meta, "genesis-digest", genesisDigest);
    batch.put(database.meta, "head", heightBytes(height));
  });
}

/** What is this node's own and no part of the chain: transactions that its users wait for, and evidence. */
async function carryOver(dataDir: string, to: ChainDatabase): Promise<void> {
  if (!existsSync(join(dataDir, CHAIN_FILE))) return;
  const from = new ChainDatabase(dataDir);
  try {
    for (const { key, value } of from.mempool.getRange())
      await to.write((batch) => batch.put(to.mempool, key, Buffer.from(value)));
    for (const { key, value } of from.evidence.getRange())
      await to.write((batch) => batch.put(to.evidence, Uint8Array.from(key), Buffer.from(value)));
  } finally {
    await from.close();
  }
}
