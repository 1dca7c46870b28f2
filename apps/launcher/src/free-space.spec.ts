import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { requireFreeSpace } from "./free-space.js";

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), "aios-space-"));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

it("says how much a full disk has and needs, and what can be done", () => {
  const dataDir = join(directory(), "data");
  const neededBytes = 2 ** 62;
  expect(() => requireFreeSpace(dataDir, neededBytes)).toThrowError(
    expect.objectContaining({
      code: "disk-full",
      message: expect.stringMatching(/ has \d+ MiB free; AiOS needs \d+ MiB\. .*--data-dir/),
      details: { directory: dataDir, freeBytes: expect.any(Number), neededBytes },
    }),
  );
});

it("says nothing while there is room", () => {
  expect(() => requireFreeSpace(directory(), 1)).not.toThrow();
});
