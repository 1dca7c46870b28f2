import { spawnSync } from "node:child_process";
import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { type TemporaryDirectory, temporaryDirectory } from "./temporary-directory.js";

const BLOCK_BYTES = 4_096;

/** A file system of its own that really runs out of space, in memory. Only where this process may mount one. */
export class SmallDisk {
  readonly #directory: TemporaryDirectory;
  readonly #filler: string;

  private constructor(directory: TemporaryDirectory) {
    this.#directory = directory;
    this.#filler = join(directory.path, "filler");
  }

  static mount(sizeBytes: number): SmallDisk {
    const directory = temporaryDirectory("small-disk");
    const options = ["-t", "tmpfs", "-o", `size=${sizeBytes},mode=0755`];
    const { status, stderr } = spawnSync("mount", [...options, "tmpfs", directory.path], {
      encoding: "utf8",
    });
    if (status === 0) return new SmallDisk(directory);
    directory.remove();
    throw new Error(`no file system could be mounted: ${stderr}`);
  }

  get path(): string {
    return this.#directory.path;
  }

  /** Takes all the space that is left. */
  fill(): void {
    const file = openSync(this.#filler, "a");
    try {
      for (;;) if (writeSync(file, Buffer.alloc(BLOCK_BYTES)) < BLOCK_BYTES) return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
    } finally {
      closeSync(file);
    }
  }

  /** Gives back what `fill` took. */
  free(): void {
    rmSync(this.#filler, { force: true });
  }

  unmount(): void {
    spawnSync("umount", ["-l", this.path]);
    this.#directory.remove();
  }
}

/** Whether this process may mount a file system: as root, outside of most containers. */
export function canMountDisks(): boolean {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return false;
  try {
    SmallDisk.mount(BLOCK_BYTES * 16).unmount();
    return true;
  } catch {
    return false;
  }
}
