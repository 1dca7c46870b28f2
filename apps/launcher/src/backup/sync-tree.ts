import { open, readdir } from "node:fs/promises";
import { join } from "node:path";

/** Puts a directory with all that is in it on the disk: what is renamed afterwards is whole after a loss of power. */
export async function syncTree(directory: string): Promise<void> {
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) await syncTree(path);
    else if (entry.isFile()) await sync(path);
  }
  await sync(directory);
}

/** Puts the names in a directory on the disk, as after a rename. */
export async function sync(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
