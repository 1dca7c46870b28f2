import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { bytesEntry, packArchive, unpackArchive } from "./archive.js";
import { exchange } from "./exchange.js";
import { replaceApart } from "./local-state.js";
import { writeSealedFile } from "./sealed-file.js";

/** What reached the disk and what was renamed, in their order, below the directory of the test. */
const steps: string[] = [];
let root = "";

vi.mock("node:fs/promises", async (importOriginal) => {
  const real = await importOriginal<typeof import("node:fs/promises")>();
  const named = (path: unknown): string => String(path).slice(root.length + 1) || ".";
  return {
    ...real,
    open: async (...args: Parameters<typeof real.open>): Promise<FileHandle> => {
      const handle = await real.open(...args);
      const { sync } = handle;
      handle.sync = async () => {
        await sync.call(handle);
        steps.push(`sync ${named(args[0])}`);
      };
      return handle;
    },
    rename: async (from: string, to: string): Promise<void> => {
      await real.rename(from, to);
      steps.push(`rename ${named(from)} ${named(to)}`);
    },
  };
});

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "aios-sync-"));
  steps.length = 0;
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** Without the names that are made up. */
const without = (step: string): string =>
  step.replace(/(?:replaced|settled|restoring)-[0-9a-f-]{36}/g, "aside").replace(/\.\d+(?= |$)/, ".staged");

describe("what is put in its place", () => {
  it("is on the disk when an archive is unpacked: every file, and every directory after what is in it", async () => {
    const entries = ["a/b/one", "a/two"].map((path) => bytesEntry(path, Buffer.from(path)));
    mkdirSync(join(root, "staged"));
    await unpackArchive(packArchive(entries, ""), join(root, "staged"));
    expect(steps).toEqual([
      "sync staged/a/b/one",
      "sync staged/a/b",
      "sync staged/a/two",
      "sync staged/a",
      "sync staged",
    ]);
  });

  it("is renamed there one step after the other, each on the disk before the next", async () => {
    mkdirSync(join(root, "place"));
    mkdirSync(join(root, "staged"));
    await exchange([{ place: join(root, "place"), staged: join(root, "staged") }]);
    expect(steps.map(without)).toEqual([
      "rename place place.aside",
      "sync .",
      "rename staged place",
      "sync .",
      "rename place.aside place.aside",
      "sync .",
    ]);
  });

  it("is on the disk also where it was copied from another file system", async () => {
    for (const place of ["data", "cluster", "staged", "staged/cluster"]) mkdirSync(join(root, place));
    writeFileSync(join(root, "staged", "cluster", "base"), "new");
    const state = { place: join(root, "data"), staged: join(root, "staged") };
    await replaceApart(state, join(root, "staged", "cluster"), join(root, "cluster"), {});
    expect(steps.map(without).slice(0, 3)).toEqual([
      "sync cluster.aside/base",
      "sync cluster.aside",
      "rename cluster cluster.aside",
    ]);
  });

  it("has its name on the disk when a backup is said to be there", async () => {
    async function* plain(): AsyncGenerator<Buffer> {
      yield Buffer.from("state");
    }
    await writeSealedFile(join(root, "state.aios"), plain(), "correct horse battery", 14);
    expect(steps.map(without)).toEqual([
      "sync state.aios.staged",
      "rename state.aios.staged state.aios",
      "sync .",
    ]);
  });
});
