import { keccak256 } from "@aios/core-keccak/keccak";
import { bytes32Of } from "@aios/core-rlp/hex";
import type { Bytes32 } from "@aios/kernel/identifiers";
import type { MempoolJournal } from "../../domain/ports.js";
import type { SignedTransaction } from "../../domain/transaction.js";
import type { ChainDatabase } from "./chain-database.js";
import { entriesOf, type JournalEntry, recordOf } from "./mempool-record.js";

/** A record that still takes transactions. */
interface OpenRecord {
  readonly id: number;
  readonly entries: JournalEntry[];
  /** Records of which nothing is left once this one is there. */
  readonly superseded: number[];
  readonly written: Promise<void>;
}

/**
 * Admitted transactions. Those of one turn of the event loop are one record: one write for all of them, and one removal
 * once all of them have left. What has left a record of which others wait is read again after a restart, and refused
 * again by whoever admits it.
 */
export class LmdbMempoolJournal implements MempoolJournal {
  #open: OpenRecord | undefined;
  #nextRecord = 0;
  readonly #recordOf = new Map<Bytes32, number>();
  /** Transactions of a record that have not left. */
  readonly #waiting = new Map<number, number>();

  constructor(private readonly database: ChainDatabase) {
    for (const { key, value } of database.mempool.getRange()) {
      for (const { raw } of entriesOf(value)) this.#file(bytes32Of(keccak256(raw)), key);
      this.#nextRecord = key + 1;
    }
  }

  add(transactions: readonly SignedTransaction[], receivedAtMs: number): Promise<void> {
    const record = this.#open ?? this.#begin();
    for (const { hash, raw } of transactions) {
      const before = this.#recordOf.get(hash);
      if (before === record.id) continue;
      record.entries.push({ raw, receivedAtMs });
      this.#file(hash, record.id);
      if (before !== undefined && this.#leave(before)) record.superseded.push(before);
    }
    return record.written;
  }

  async remove(hashes: readonly Bytes32[]): Promise<void> {
    const removals: Promise<boolean>[] = [];
    for (const hash of hashes) {
      const id = this.#recordOf.get(hash);
      if (id === undefined) continue;
      this.#recordOf.delete(hash);
      if (this.#leave(id)) removals.push(this.database.committed(this.database.mempool.remove(id)));
    }
    await Promise.all(removals);
  }

  *entries(): Iterable<JournalEntry> {
    for (const { value } of this.database.mempool.getRange()) yield* entriesOf(value);
  }

  #file(hash: Bytes32, id: number): void {
    this.#recordOf.set(hash, id);
    this.#waiting.set(id, (this.#waiting.get(id) ?? 0) + 1);
  }

  /** One less waits of a record. Whether it was the last. */
  #leave(id: number): boolean {
    const left = (this.#waiting.get(id) ?? 0) - 1;
    if (left > 0) this.#waiting.set(id, left);
    else this.#waiting.delete(id);
    return left <= 0;
  }

  #begin(): OpenRecord {
    const id = this.#nextRecord++;
    const written = new Promise<void>((resolve, reject) => {
      setImmediate(() => this.#write(id).then(resolve, reject));
    });
    this.#open = { id, entries: [], superseded: [], written };
    return this.#open;
  }

  async #write(id: number): Promise<void> {
    const { entries = [], superseded = [] } = this.#open ?? {};
    this.#open = undefined;
    const { database } = this;
    await database.write((batch) => {
      // All of them may be in a block already.
      if (this.#waiting.has(id)) batch.put(database.mempool, id, recordOf(entries));
      for (const before of superseded) batch.remove(database.mempool, before);
    });
  }
}
