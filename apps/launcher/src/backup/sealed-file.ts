import { createReadStream, createWriteStream, existsSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { CodedError } from "@aios/kernel/coded-error";
import { seal, unseal } from "./sealed-stream.js";

/**
 * Seals a stream into a file for its owner only, which appears under its name when it is whole and on disk. Throws
 * `file-exists`, `disk-full`, and what `seal` and the stream throw; then nothing is left. `costLog2`: as for `seal`.
 */
export async function writeSealedFile(
  file: string,
  plain: AsyncIterable<Buffer>,
  passphrase: string,
  costLog2?: number,
): Promise<void> {
  refuseExistingFile(file);
  const staging = `${file}.${process.pid}`;
  try {
    const target = createWriteStream(staging, { mode: 0o600, flags: "wx", flush: true });
    await pipeline(seal(plain, passphrase, costLog2), target);
    await rename(staging, file);
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === "ENOSPC" ? diskFull(file, error) : error;
  } finally {
    await rm(staging, { force: true });
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

const diskFull = (file: string, cause: unknown): CodedError =>
  new CodedError({
    code: "disk-full",
    kind: "unavailable",
    message: `The disk of ${file} is full; nothing of the backup was kept. Free some of it, or write it elsewhere.`,
    cause,
  });
