import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { packArchive } from "@aios/launcher/backup/archive";
import { listFiles } from "@aios/launcher/backup/listing";
import { expect, it, vi } from "vitest";
import { settleVolume, stageVolume } from "./volume.js";

/** What reached the disk, was renamed and was removed, in their order, by the last part of its name. */
const steps: string[] = [];

vi.mock("node:fs/promises", async (importOriginal) => {
  const real = await importOriginal<typeof import("node:fs/promises")>();
  const last = (path: unknown): string => String(path).split("/").slice(-1).join("/");
  return {
    ...real,
    open: async (...args: Parameters<typeof real.open>): Promise<FileHandle> => {
      const handle = await real.open(...args);
      const { sync } = handle;
      handle.sync = async () => {
        await sync.call(handle);
        steps.push(`sync ${last(args[0])}`);
      };
      return handle;
    },
    rename: async (from: string, to: string): Promise<void> => {
      await real.rename(from, to);
      steps.push(`rename ${last(from)}`);
    },
    rm: async (...args: Parameters<typeof real.rm>): Promise<void> => {
      await real.rm(...args);
      steps.push(`remove ${last(args[0])}`);
    },
  };
});

it("puts a volume on the disk before its renames, and these before what was there is removed", async () => {
  const root = mkdtempSync(join(tmpdir(), "aios-volume-"));
  const [volume, backup] = [join(root, "volume"), join(root, "backup")];
  try {
    for (const [directory, text] of [
      [volume, "older"],
      [backup, "newer"],
    ] as const) {
      mkdirSync(directory);
      writeFileSync(join(directory, "block"), text);
    }
    const archive = packArchive(
      listFiles(backup, () => false),
      "",
    );
    await stageVolume(volume, archive, { replace: true });
    await settleVolume(volume);
    expect(readFileSync(join(volume, "block"), "utf8")).toBe("newer");
    expect(steps.slice(steps.indexOf("sync block"))).toEqual([
      "sync block",
      "sync .aios-restoring",
      "remove .aios-replaced",
      "rename block",
      "rename block",
      "sync volume",
      "remove .aios-restoring",
      "remove .aios-replaced",
    ]);
  } finally {
    rmSync(root, { recursive: true });
  }
});
