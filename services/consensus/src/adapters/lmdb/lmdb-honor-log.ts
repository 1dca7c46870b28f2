import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { decodeLogEntry, encodeLogEntry } from "@aios/core-honor-node/log-codec";
import type { LogEntry } from "@aios/core-honor-node/node-protocol";
import { isCodedError } from "@aios/kernel/coded-error";
import { type Database, open, type RootDatabase } from "lmdb";
import { corruptStore, genesisMismatch } from "../../domain/errors.js";
import type { HonorLog } from "../../domain/honor-ports.js";

const FORMAT = "1";

/**
 * The honor node's log in a database of its own, so that no large checkpoint is written before a vote. Each append is one LMDB
 * transaction that is synced before it is acknowledged: a torn write leaves the last one as it was.
 */
export class LmdbHonorLog implements HonorLog {
  readonly #root: RootDatabase<Buffer, string>;
  readonly #entries: Database<Buffer, number>;
  #next: number;

  /** `chain`: what the log belongs to. Throws `genesis-mismatch` for a log of another chain, `corrupt-store`. */
  constructor(directory: string, chain: string) {
    mkdirSync(directory, { recursive: true });
    this.#root = open<Buffer, string>({
      path: join(directory, "honor.lmdb"),
      noSubdir: true,
      maxDbs: 4,
      encoding: "binary",
      // Else a write is acknowledged before it is on disk, and a vote could leave that a power loss makes forgotten.
      overlappingSync: false,
    });
    this.#entries = this.#root.openDB<Buffer, number>({
      name: "entries",
      encoding: "binary",
      keyEncoding: "uint32",
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
    const [last] = this.#entries.getKeys({ reverse: true, limit: 1 });
    this.#next = last === undefined ? 0 : last + 1;
  }

  load(): LogEntry[] {
    const entries: LogEntry[] = [];
    for (const { value } of this.#entries.getRange()) entries.push(decoded(value));
    const safety = this.#root.get("safety");
    if (safety !== undefined) entries.push(decoded(safety));
    return entries;
  }

  async append(entries: readonly LogEntry[]): Promise<void> {
    // Taken before anything is awaited, so that appends at once have places of their own.
    let next = this.#next;
    this.#next += entries.filter(({ kind }) => kind !== "safety").length;
    await this.#root.batch(() => {
      for (const entry of entries) {
        const value = Buffer.from(encodeLogEntry(entry));
        if (entry.kind === "safety") this.#root.put("safety", value);
        else this.#entries.put(next++, value);
      }
    });
  }

  close(): Promise<void> {
    return this.#root.close();
  }
}

function decoded(value: Buffer): LogEntry {
  try {
    return decodeLogEntry(value);
  } catch (error) {
    if (!isCodedError(error)) throw error;
    throw corruptStore(`an entry of the honor log does not decode: ${error.message}`);
  }
}
