import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";

/** The program that is tested, in a process of its own. */
const LISTING = new URL("../../dist/src/backup/listing.js", import.meta.url).href;
const COUNT = `const { listFiles } = await import(process.argv[1]);
console.log((await listFiles(process.argv[2], () => false)).length);`;

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
