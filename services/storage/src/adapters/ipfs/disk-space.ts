import { statfs } from "node:fs/promises";

/** The disk that blocks are written to. */
export interface DiskSpace {
  freeBytes(): Promise<number>;
}

export function diskSpaceOf(directory: string): DiskSpace {
  return {
    async freeBytes() {
      const { bavail, bsize } = await statfs(directory);
      return bavail * bsize;
    },
  };
}
