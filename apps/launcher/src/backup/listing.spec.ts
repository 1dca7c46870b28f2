import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { ArchivedEntry } from "./archive.js";
import { listFiles } from "./listing.js";

/** The program that is tested, in a process of its own. */
const LISTING = new URL("../../dist/src/backup/listing.js", import.meta.url).href;
const COUNT = `const { listFiles } = await import(process.argv[1]);
let count = 0;
for await (const _entry of listFiles(process.argv[2], () => false)) count++;
console.log(count);`;

it("lists more files than a call takes arguments", { timeout: 60_000 }, () => {
  const directory = mkdtempSync(join(tmpdir(), "aios-listing-"));
  try {
    mkdirSync(join(directory, "blocks"));
    for (let block = 0; block < 20_000; block++) writeFileSync(join(directory, "blocks", `${block}`), "");
    // 20,000 files to 150 KiB of stack are what 130,000 are to an ordinary one.
    const program = ["--stack-size=150", "--input-type=module", "--eval", COUNT, LISTING, directory];
    expect(Number(execFileSync(process.execPath, program))).toBe(20_001);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

it.each([
  ["a file", "../secret"],
  ["a directory", ".."],
  ["nothing", "gone"],
])("follows no link, to %s: whoever wrote it would choose what is copied", async (_to, target) => {
  const root = mkdtempSync(join(tmpdir(), "aios-listing-"));
  try {
    writeFileSync(join(root, "secret"), "of the machine");
    mkdirSync(join(root, "state"));
    symlinkSync(target, join(root, "state", "model"));
    const listing = listFiles(join(root, "state"), () => false);
    await expect(listing.next()).rejects.toMatchObject({
      code: "unknown-state",
      message: expect.stringContaining(join(root, "state", "model")),
    });
  } finally {
    rmSync(root, { recursive: true });
  }
});

it("reads no file through a link that took its place after it was listed", async () => {
  const root = mkdtempSync(join(tmpdir(), "aios-listing-"));
  try {
    writeFileSync(join(root, "secret"), "of the machine");
    mkdirSync(join(root, "state"));
    writeFileSync(join(root, "state", "model"), "of the release");
    const { value } = await listFiles(join(root, "state"), () => false).next();
    renameSync(join(root, "state", "model"), join(root, "model"));
    symlinkSync("../secret", join(root, "state", "model"));
    const read = async (): Promise<void> => {
      for await (const _piece of (value as ArchivedEntry).content);
    };
    await expect(read()).rejects.toMatchObject({ code: "ELOOP" });
  } finally {
    rmSync(root, { recursive: true });
  }
});
