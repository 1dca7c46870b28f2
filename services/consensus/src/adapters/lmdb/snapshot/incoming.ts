import { existsSync, readFileSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { CHAIN_FILE } from "../chain-database.js";
import { LmdbHonorLog } from "../lmdb-honor-log.js";
import { syncDirectory, syncFile, writeSynced } from "./synced-files.js";

const DIRECTORY = "incoming";
const COMPLETE = "complete";

/** Where a chain is taken in, beside the one that a data directory has. What an earlier attempt left is removed. */
export async function openIncoming(dataDir: string): Promise<string> {
  const path = join(dataDir, DIRECTORY);
  await rm(path, { recursive: true, force: true });
  await mkdir(path, { recursive: true });
  return path;
}

/** Gives up what was taken in. */
export async function abandonIncoming(dataDir: string): Promise<void> {
  await rm(join(dataDir, DIRECTORY), { recursive: true, force: true });
}

/**
 * Says that everything is there, on disk: from here on the new chain counts, whenever `settleIncoming` runs. `chainId`: the
 * name that is signed.
 */
export async function completeIncoming(dataDir: string, chainId: string): Promise<void> {
  const path = join(dataDir, DIRECTORY);
  await syncFile(join(path, CHAIN_FILE));
  const partial = join(path, `${COMPLETE}.partial`);
  await writeSynced(partial, chainId);
  await rename(partial, join(path, COMPLETE));
  await syncDirectory(path);
  await syncDirectory(dataDir);
}

/**
 * Puts a chain that was taken in as a whole in the place of the old one, or removes what is none. To be run before anything
 * of a data directory is opened; cut off at any step, it goes on at the next start. The honor log is not replaced but
 * restarted in itself, so that there is no instant at which what this node said is not on disk.
 */
export async function settleIncoming(dataDir: string): Promise<void> {
  const path = join(dataDir, DIRECTORY);
  if (!existsSync(path)) return;
  const marker = join(path, COMPLETE);
  if (existsSync(marker)) {
    const chainId = readFileSync(marker, "utf8");
    const from = new LmdbHonorLog(path, chainId);
    const log = new LmdbHonorLog(dataDir, chainId);
    try {
      log.restartFrom(from);
    } finally {
      await from.close();
      await log.close();
    }
    if (existsSync(join(path, CHAIN_FILE))) {
      await rm(join(dataDir, `${CHAIN_FILE}-lock`), { force: true });
      await rename(join(path, CHAIN_FILE), join(dataDir, CHAIN_FILE));
      await syncDirectory(dataDir);
    }
    // First of all, so that what is left of a removal that is cut off is not taken for a whole.
    await rm(marker);
    await syncDirectory(path);
  }
  await rm(path, { recursive: true, force: true });
}
