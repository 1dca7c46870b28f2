import { createReadStream, existsSync } from "node:fs";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { pipeline } from "node:stream/promises";
import { CodedError } from "@aios/kernel/coded-error";
import { seal, unseal } from "./sealed-stream.js";
import { sync } from "./sync-tree.js";

/** A place for a sealed file that was found writable, for its owner only; to be discarded whatever comes of it. */
export class SealedTarget {
  readonly #file: string;
  readonly #staging: string;
  readonly #handle: FileHandle;

  private constructor(file: string, staging: string, handle: FileHandle) {
    this.#file = file;
    this.#staging = staging;
    this.#handle = handle;
  }

  /** Opens the file that will get the name. Throws `file-exists`, `target-not-writable`, `disk-full`. */
  static async open(file: string): Promise<SealedTarget> {
    refuseExistingFile(file);
    const staging = `${file}.${process.pid}`;
    try {
      return new SealedTarget(file, staging, await open(staging, "wx", 0o600));
    } catch (error) {
      throw isFull(error) ? diskFull(file, error) : notWritable(file, error);
    }
  }

  /**
   * Seals a stream into the file, which appears under its name when it is whole and on disk. Throws `disk-full`, and what
   * `seal` and the stream throw. `costLog2`: as for `seal`. Once.
   */
  async write(plain: AsyncIterable<Buffer>, passphrase: string, costLog2?: number): Promise<void> {
    try {
      await pipeline(seal(plain, passphrase, costLog2), this.#handle.createWriteStream({ flush: true }));
      await rename(this.#staging, this.#file);
      await sync(dirname(this.#file));
    } catch (error) {
      throw isFull(error) ? diskFull(this.#file, error) : error;
    }
  }

  /** Leaves nothing of what did not become whole. */
  async discard(): Promise<void> {
    await this.#handle.close();
    await rm(this.#staging, { force: true });
  }
}

/** Seals a stream into a file, or leaves nothing. Throws what `SealedTarget` throws; `costLog2`: as for `seal`. */
export async function writeSealedFile(
  file: string,
  plain: AsyncIterable<Buffer>,
  passphrase: string,
  costLog2?: number,
): Promise<void> {
  const target = await SealedTarget.open(file);
  try {
    await target.write(plain, passphrase, costLog2);
  } finally {
    await target.discard();
  }
}

/** What `writeSealedFile` was given. Throws `not-a-backup`, `wrong-passphrase`, `backup-damaged`. */
export function openSealedFile(file: string, passphrase: string): AsyncIterable<Buffer> {
  return unseal(createReadStream(file) as AsyncIterable<Buffer>, passphrase);
}

/** Throws `file-exists`. */
export function refuseExistingFile(file: string): void {
  if (!existsSync(file)) return;
  throw new CodedError({
    code: "file-exists",
    kind: "conflict",
    message: `${file} is there already; a backup replaces nothing.`,
  });
}

const isFull = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === "ENOSPC";

const notWritable = (file: string, cause: unknown): CodedError =>
  new CodedError({
    code: "target-not-writable",
    kind: "invalid",
    message: `${file} cannot be written: ${(cause as Error).message}. Name a file in a directory that is there and that you may write to.`,
    cause,
  });

const diskFull = (file: string, cause: unknown): CodedError =>
  new CodedError({
    code: "disk-full",
    kind: "unavailable",
    message: `The disk of ${file} is full; nothing of the backup was kept. Free some of it, or write it elsewhere.`,
    cause,
  });
