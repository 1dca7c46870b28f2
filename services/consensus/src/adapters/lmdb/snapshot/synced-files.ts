import { open } from "node:fs/promises";

/** The file holds these bytes, on disk. */
export async function writeSynced(file: string, content: Uint8Array | string): Promise<void> {
  const handle = await open(file, "w");
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** What others wrote to the file is on disk. */
export async function syncFile(path: string): Promise<void> {
  await synced(path, "r+");
}

/** The names in the directory are on disk: what was made, renamed or removed there stays so. */
export async function syncDirectory(path: string): Promise<void> {
  await synced(path, "r");
}

async function synced(path: string, flags: "r" | "r+"): Promise<void> {
  const handle = await open(path, flags);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
