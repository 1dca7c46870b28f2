import type { Database, Key, PutOptions } from "lmdb";

type PutWithOptions<K extends Key> = (
  this: Database<Buffer, K>,
  key: K,
  value: Buffer,
  options: PutOptions,
) => Promise<boolean>;

const APPEND: PutOptions = { append: true };

/** The writes of one transaction. Each promises what the whole does, and only that one is waited for. */
export class WriteBatch {
  #last: Promise<boolean> | undefined;

  /** LMDB takes any bytes, and looks their memory up once for all that share it. */
  put<K extends Key>(table: Database<Buffer, K>, key: K, value: Uint8Array): void {
    this.#leave(table.put(key, value as Buffer));
  }

  /** As `put`, for a key that is greater than all in the table: pages fill one after the other. */
  append<K extends Key>(table: Database<Buffer, K>, key: K, value: Uint8Array): void {
    // The library's types leave out that `put` takes options.
    const put = table.put as unknown as PutWithOptions<K>;
    this.#leave(put.call(table, key, value as Buffer, APPEND));
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
