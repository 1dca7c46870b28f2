import { existsSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { ChainBase } from "@aios/core-honor-node/chain-base";
import { blockId, type DagBlock, isWhole } from "@aios/core-honor-node/dag-block";
import { decodeLogEntry, encodeLogEntry, isWholeBlockEntry } from "@aios/core-honor-node/log-codec";
import type { Decision, LogEntry } from "@aios/core-honor-node/node-protocol";
import { isCodedError } from "@aios/kernel/coded-error";
import { type Database, open, type RootDatabase } from "lmdb";
import { corruptStore, genesisMismatch } from "../../domain/errors.js";
import type { HonorLog, HonorLogSizes } from "../../domain/honor-ports.js";

const FORMAT = "2";
export const HONOR_LOG_FILE = "honor.lmdb";

/** What takes a number: a base for the transactions that it keeps. */
const NUMBERED: ReadonlySet<LogEntry["kind"]> = new Set(["block", "transactions", "base"]);

interface StoredBlock {
  readonly place: number;
  readonly value: Buffer;
}

type NumberedTable = Database<Buffer, number>;

/**
 * The honor node's log in a database of its own, so that no large checkpoint is written before a vote. Each append is one LMDB
 * transaction that is synced before it is acknowledged: a torn write leaves the last one as it was, pruning included. Room
 * that was given up is used again, so that a log that is pruned stays as large as it was at its largest.
 */
export class LmdbHonorLog implements HonorLog {
  readonly #root: RootDatabase<Buffer, string>;
  readonly #file: string;
  readonly #isArchive: boolean;
  /** In the order in which they were written: ancestors first. */
  readonly #blocks: NumberedTable;
  readonly #transactions: NumberedTable;
  /** By height. */
  readonly #decisions: NumberedTable;
  readonly #orders: NumberedTable;
  /** Block id → its number (4 bytes). */
  readonly #places: Database<Buffer, Buffer>;
  /** Blocks from before the base, by the number that they had. */
  readonly #archive: NumberedTable;
  #next: number;

  /**
   * `chain`: what the log belongs to. `archive`: keeps what a base makes needless. Throws `genesis-mismatch` for a log of
   * another chain, `corrupt-store`.
   */
  constructor(directory: string, chain: string, options: { readonly archive: boolean } = { archive: false }) {
    mkdirSync(directory, { recursive: true });
    this.#isArchive = options.archive;
    this.#file = join(directory, HONOR_LOG_FILE);
    this.#root = open<Buffer, string>({
      path: this.#file,
      noSubdir: true,
      maxDbs: 8,
      encoding: "binary",
      // Else a write is acknowledged before it is on disk, and a vote could leave that a power loss makes forgotten.
      overlappingSync: false,
    });
    const numbered = (name: string): NumberedTable =>
      this.#root.openDB<Buffer, number>({ name, encoding: "binary", keyEncoding: "uint32" });
    this.#blocks = numbered("blocks");
    this.#transactions = numbered("transactions");
    this.#decisions = numbered("decisions");
    this.#orders = numbered("orders");
    this.#archive = numbered("archive");
    this.#places = this.#root.openDB<Buffer, Buffer>({
      name: "places",
      encoding: "binary",
      keyEncoding: "binary",
    });
    const owner = this.#root.get("chain")?.toString();
    if (owner === undefined) {
      // At once: a crash between them would leave a log of no format, which no later start accepts.
      this.#root.transactionSync(() => {
        this.#root.putSync("chain", Buffer.from(chain));
        this.#root.putSync("format", Buffer.from(FORMAT));
      });
    } else if (owner !== chain) throw genesisMismatch(owner, chain);
    const format = this.#root.get("format")?.toString();
    if (format !== FORMAT) throw corruptStore(`the format of the honor log is ${format}, not ${FORMAT}`);
    this.#next = 1 + Math.max(...[this.#blocks, this.#transactions, this.#archive].map(lastKey));
  }

  *load(): Generator<LogEntry> {
    const base = this.#base;
    if (base !== undefined) yield { kind: "base", base, gone: [], accepted: [] };
    const { firstDecision, height } = base ?? { firstDecision: 1, height: 0 };
    yield* decodedRange(this.#decisions, firstDecision);
    yield* decodedRange(this.#orders, height + 1);
    yield* decodedRange(this.#blocks, 0);
    yield* decodedRange(this.#transactions, 0);
    for (const name of ["safety", "abstention"]) {
      const said = this.#root.get(name);
      if (said !== undefined) yield decoded(said);
    }
  }

  /** Whether a directory has a log. */
  static isIn(directory: string): boolean {
    return existsSync(join(directory, HONOR_LOG_FILE));
  }

  /**
   * Puts the chain of another log in the place of the one here, all of it or nothing. What binds this node stays: its
   * safety record is never removed, and an abstention gives way only to the other's. So do accepted transactions.
   */
  restartFrom(other: LmdbHonorLog): void {
    this.#root.transactionSync(() => {
      const tables = [this.#blocks, this.#orders, this.#archive, this.#decisions];
      for (const table of tables) table.clearSync();
      this.#places.clearSync();
      for (const name of ["base", "abstention"]) {
        const value = other.#root.get(name);
        if (value !== undefined) this.#root.putSync(name, value);
      }
      for (const { key, value } of other.#decisions.getRange()) this.#decisions.putSync(key, value);
      for (const { key, value } of other.#blocks.getRange()) this.#blocks.putSync(key, value);
      for (const { key, value } of other.#places.getRange()) this.#places.putSync(key, value);
    });
    this.#next = Math.max(this.#next, other.#next);
  }

  async append(entries: readonly LogEntry[]): Promise<void> {
    // Taken before anything is awaited, so that appends at once have places of their own.
    let next = this.#next;
    this.#next += entries.filter(({ kind }) => NUMBERED.has(kind)).length;
    /** Blocks of this very append, which are not to be read yet. */
    const fresh = new Map<string, StoredBlock>();
    await this.#root.batch(() => {
      for (const entry of entries) {
        const value = Buffer.from(encodeLogEntry(entry));
        if (entry.kind === "safety" || entry.kind === "abstention") this.#root.put(entry.kind, value);
        else if (entry.kind === "decision") this.#decisions.put(entry.decision.checkpoint.height, value);
        else if (entry.kind === "order") this.#orders.put(entry.height, value);
        else if (entry.kind === "transactions") this.#transactions.put(next++, value);
        else if (entry.kind === "block") {
          const id = blockId(entry.block);
          fresh.set(id, { place: next, value });
          this.#places.put(Buffer.from(id, "hex"), numberBytes(next));
          this.#blocks.put(next++, value);
        } else this.#prune(entry, value, next++, fresh);
      }
    });
  }

  block(id: string): DagBlock | undefined {
    const place = this.#places.get(Buffer.from(id, "hex"))?.readUInt32BE();
    const value = place === undefined ? undefined : (this.#blocks.get(place) ?? this.#archive.get(place));
    const entry = value === undefined ? undefined : decoded(value);
    return entry?.kind === "block" && isWhole(entry.block) ? entry.block : undefined;
  }

  hasBlock(id: string): boolean {
    const place = this.#places.get(Buffer.from(id, "hex"))?.readUInt32BE();
    return place !== undefined && (this.#isWhole(this.#blocks, place) || this.#isWhole(this.#archive, place));
  }

  decision(height: number): Decision | undefined {
    const entry = this.#entry(this.#decisions, height);
    return entry?.kind === "decision" ? entry.decision : undefined;
  }

  order(height: number): readonly string[] | undefined {
    const entry = this.#entry(this.#orders, height);
    return entry?.kind === "order" ? entry.blocks : undefined;
  }

  get sizes(): HonorLogSizes {
    return {
      blocks: entryCount(this.#blocks),
      archivedBlocks: entryCount(this.#archive),
      decisions: entryCount(this.#decisions),
      fileBytes: statSync(this.#file).size,
    };
  }

  close(): Promise<void> {
    return this.#root.close();
  }

  get #base(): ChainBase | undefined {
    const value = this.#root.get("base");
    const entry = value === undefined ? undefined : decoded(value);
    return entry?.kind === "base" ? entry.base : undefined;
  }

  #entry(table: NumberedTable, key: number): LogEntry | undefined {
    const value = Number.isSafeInteger(key) && key >= 0 && key < 2 ** 32 ? table.get(key) : undefined;
    return value === undefined ? undefined : decoded(value);
  }

  /** By its kind alone: what is held of a block that came with a snapshot has no transactions. */
  #isWhole(table: NumberedTable, place: number): boolean {
    const value = table.get(place);
    return value !== undefined && isWholeBlockEntry(value);
  }

  #prune(
    { base, gone, accepted }: Extract<LogEntry, { kind: "base" }>,
    value: Buffer,
    next: number,
    fresh: ReadonlyMap<string, StoredBlock>,
  ): void {
    this.#root.put("base", value);
    for (const id of gone) this.#removeBlock(id, fresh);
    for (const key of this.#transactions.getKeys({ end: next })) this.#transactions.remove(key);
    if (accepted.length > 0)
      this.#transactions.put(
        next,
        Buffer.from(encodeLogEntry({ kind: "transactions", transactions: accepted })),
      );
    if (this.#isArchive) return;
    for (const { key, value: decision } of this.#decisions.getRange({ end: base.firstDecision })) {
      const entry = decoded(decision);
      // A light client, and a node that starts anew, follow hand-overs from genesis.
      if (entry.kind === "decision" && entry.decision.nextSet === undefined) this.#decisions.remove(key);
    }
    for (const key of this.#orders.getKeys({ end: base.height + 1 })) this.#orders.remove(key);
  }

  #removeBlock(id: string, fresh: ReadonlyMap<string, StoredBlock>): void {
    if (id === "genesis") return;
    const key = Buffer.from(id, "hex");
    const place = fresh.get(id)?.place ?? this.#places.get(key)?.readUInt32BE();
    if (place === undefined) return;
    const value = fresh.get(id)?.value ?? this.#blocks.get(place);
    this.#blocks.remove(place);
    if (this.#isArchive && value !== undefined) this.#archive.put(place, value);
    else this.#places.remove(key);
  }
}

function* decodedRange(table: NumberedTable, start: number): Generator<LogEntry> {
  for (const { value } of table.getRange({ start })) yield decoded(value);
}

function lastKey(table: NumberedTable): number {
  const [last] = table.getKeys({ reverse: true, limit: 1 });
  return last ?? -1;
}

function entryCount(table: NumberedTable): number {
  return (table.getStats() as { readonly entryCount: number }).entryCount;
}

function numberBytes(value: number): Buffer {
  const out = Buffer.alloc(4);
  out.writeUInt32BE(value);
  return out;
}

function decoded(value: Buffer): LogEntry {
  try {
    return decodeLogEntry(value);
  } catch (error) {
    if (!isCodedError(error)) throw error;
    throw corruptStore(`an entry of the honor log does not decode: ${error.message}`);
  }
}
