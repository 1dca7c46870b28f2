import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { LmdbHonorLog } from "@aios/consensus/adapters/lmdb/lmdb-honor-log";
import { type TemporaryDirectory, temporaryDirectory } from "@aios/testkit/temporary-directory";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { entriesOfBatch } from "../support/honor-log-batches.js";

const SCRIPT = fileURLToPath(new URL("../../dist/test/support/honor-log-writer.js", import.meta.url));
const ROUNDS = Number(process.env["DURABILITY_ROUNDS"] ?? 6);

describe("the honor node's log", () => {
  let directory: TemporaryDirectory;

  beforeAll(() => {
    directory = temporaryDirectory("honor-log");
  });
  afterAll(() => directory.remove());

  /** Writes from a batch on, and is killed a moment after so many are acknowledged. Returns the last acknowledged. */
  async function writeUntilKilled(path: string, from: number, count: number): Promise<number> {
    const child = spawn(process.execPath, [SCRIPT, path, String(from)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let last = from - 1;
    for await (const line of createInterface(child.stdout)) {
      last = Number(line);
      if (last === from + count) child.kill("SIGKILL");
    }
    if (child.signalCode === null) await once(child, "exit");
    return last;
  }

  it("holds every batch that was acknowledged, whole and in order, after it is killed again and again", async () => {
    const path = `${directory.path}/killed`;
    let next = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const acknowledged = await writeUntilKilled(path, next, 7 + 5 * round);
      const log = new LmdbHonorLog(path, "test");
      const entries = log.load();
      await log.close();
      const blocks = entries.filter(({ kind }) => kind === "block");
      const batches = blocks.length / 2;
      expect(batches).toBeGreaterThan(acknowledged);
      const expected = Array.from({ length: batches }, (_, batch) => entriesOfBatch(batch)).flat();
      expect(blocks).toEqual(expected.filter(({ kind }) => kind === "block"));
      expect(entries.at(-1)).toEqual(entriesOfBatch(batches - 1)[1]);
      next = batches;
    }
  });

  it("belongs to one chain", async () => {
    const path = `${directory.path}/owned`;
    await new LmdbHonorLog(path, "one").close();
    expect(() => new LmdbHonorLog(path, "other")).toThrow(
      expect.objectContaining({ code: "genesis-mismatch" }),
    );
  });
});
