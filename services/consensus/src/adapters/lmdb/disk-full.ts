import { statfsSync } from "node:fs";
import { diskFull } from "../../domain/errors.js";

/** LMDB hands out the system's number, Node its name. */
const FULL: ReadonlySet<unknown> = new Set([28, 122, "ENOSPC", "EDQUOT"]);

/** A write that only a part of found room is an input/output error to LMDB. */
const SHORT_WRITE: ReadonlySet<unknown> = new Set([5, "EIO"]);

/** LMDB maps its lock file into memory; on a disk without room for it the process would die of a signal. */
const ROOM_TO_OPEN_BYTES = 64 * 1024;

/** Of the library with `separateFlushed`: visible when it resolves, safe from power loss when `flushed` does. */
interface LmdbWrite<T> extends Promise<T> {
  readonly flushed?: Promise<unknown>;
}

interface LmdbFailure {
  readonly code?: unknown;
  /** Why a commit failed; rejects soon after, and may not be left alone. */
  readonly commitError?: Promise<never>;
}

/**
 * What a write answers once it is on disk, or what was wrong with it. Throws `disk-full`, and then nothing of the write is
 * there.
 */
export async function committed<T>(directory: string, written: LmdbWrite<T>): Promise<T> {
  try {
    const answer = await written;
    await written.flushed;
    return answer;
  } catch (error) {
    const { commitError } = error as LmdbFailure;
    throw named(
      directory,
      commitError === undefined ? error : await commitError.catch((cause: unknown) => cause),
    );
  }
}

/** The same for a write that is made at once. */
export function committedSync<T>(directory: string, write: () => T): T {
  try {
    return write();
  } catch (error) {
    throw named(directory, error);
  }
}

/** Throws `disk-full` where a database cannot even be opened. */
export function requireRoomToOpen(directory: string): void {
  const freeBytes = freeBytesOf(directory);
  if (freeBytes < ROOM_TO_OPEN_BYTES) throw diskFull(new Error(`${freeBytes} bytes are left`));
}

function named(directory: string, error: unknown): unknown {
  const code = (error as LmdbFailure | null)?.code;
  const isFull = FULL.has(code) || (SHORT_WRITE.has(code) && freeBytesOf(directory) < ROOM_TO_OPEN_BYTES);
  return isFull ? diskFull(error) : error;
}

function freeBytesOf(directory: string): number {
  const { bavail, bsize } = statfsSync(directory);
  return bavail * bsize;
}
