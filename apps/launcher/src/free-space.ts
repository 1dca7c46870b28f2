import { mkdirSync, statfsSync } from "node:fs";
import { CodedError } from "@aios/kernel/coded-error";

/** What databases, chain, contents and logs of a first day take; below it something stops soon. */
export const MINIMUM_FREE_BYTES = 512 * 1024 ** 2;

/** Says at once what would otherwise break later, in the middle of a write. Throws `disk-full`. */
export function requireFreeSpace(directory: string, neededBytes: number = MINIMUM_FREE_BYTES): void {
  const freeBytes = freeBytesOf(directory);
  if (freeBytes >= neededBytes) return;
  const [free, needed] = [freeBytes, neededBytes].map((bytes) => Math.floor(bytes / 1024 ** 2));
  throw new CodedError({
    code: "disk-full",
    kind: "unavailable",
    message: `The disk that holds ${directory} has ${free} MiB free; AiOS needs ${needed} MiB. Free some space, choose another --data-dir, or wipe the state of earlier starts with --fresh.`,
    details: { directory, freeBytes, neededBytes },
  });
}

function freeBytesOf(directory: string): number {
  try {
    mkdirSync(directory, { recursive: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOSPC") return 0;
    throw error;
  }
  const { bavail, bsize } = statfsSync(directory);
  return bavail * bsize;
}
