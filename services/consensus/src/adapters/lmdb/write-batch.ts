import type { Database, Key } from "lmdb";

/** The writes of one transaction. Each promises what the whole does, and only that one is waited for. */
export class WriteBatch {
  #last: Promise<boolean> | undefined;

  /** LMDB takes any bytes, and looks their memory up once for all that share it. */
  put<K extends Key>(table: Database<Buffer, K>, key: K, value: Uint8Array): void {
    this.#leave(table.put(key, value as Buffer));
  }

  remove<K extends Key>(table: Database<Buffer, K>, key: K): void {
    this.#leave(table.remove(key));
  }

  /** LMDB gives most writes of a transaction the same promise. */
  #leave(written: Promise<boolean>): void {
    if (written === this.#last) return;
    this.#last = written;
    written.catch(() => undefined);
  }
}
