import { blockId, type DagBlock } from "@aios/core-honor-node/dag-block";
import { temporaryDirectory } from "@aios/testkit/temporary-directory";
import type * as lmdb from "lmdb";
import { afterEach, describe, expect, it, vi } from "vitest";
import { LmdbHonorLog } from "./lmdb-honor-log.js";

/** Which write of the process is its last one; the database is closed as it is then. */
const crash = vi.hoisted(() => ({ afterWrites: Number.POSITIVE_INFINITY }));

vi.mock("lmdb", async (original) => {
  const actual = await original<typeof lmdb>();
  return {
    ...actual,
    open: (options: lmdb.RootDatabaseOptionsWithPath) => {
      const root = actual.open<Buffer, string>(options);
      const putSync = root.putSync.bind(root);
      root.putSync = ((key: string, value: Buffer) => {
        if (crash.afterWrites-- <= 0) throw new Error("the process died");
        return putSync(key, value);
      }) as typeof root.putSync;
      return root;
    },
  };
});

describe("an honor node's log whose first start died", () => {
  const directory = temporaryDirectory("honor-log");
  afterEach(() => directory.remove());

  it("opens at the next start, wherever that was", async () => {
    for (const writes of [0, 1, 2]) {
      const place = `${directory.path}/${writes}`;
      crash.afterWrites = writes;
      try {
        await new LmdbHonorLog(place, "test").close();
      } catch (error) {
        expect(error).toMatchObject({ message: "the process died" });
      }
      crash.afterWrites = Number.POSITIVE_INFINITY;
      const log = new LmdbHonorLog(place, "test");
      expect([...log.load()]).toEqual([]);
      await log.close();
    }
  });
});

describe("an archive", () => {
  const directory = temporaryDirectory("honor-archive");
  afterEach(() => directory.remove());

  it("keeps a block that is written and pruned at once", async () => {
    const log = new LmdbHonorLog(directory.path, "test", { archive: true });
    const block: DagBlock = {
      setNumber: 0,
      seat: 1,
      tick: 2,
      parents: ["genesis"],
      transactions: [],
      signature: "ab".repeat(96),
    };
    const id = blockId(block);
    const colouring = {
      blueScore: 1,
      selectedParent: "genesis",
      mergeRoot: "genesis",
      mergesetBlues: ["genesis"],
      mergesetReds: [],
      sizedBlues: [],
      anticoneSizes: [],
    };
    const base = { root: "genesis", height: 0, firstDecision: 1, reigns: [] };
    await log.append([
      { kind: "block", block, colouring },
      { kind: "base", base, gone: [id], accepted: [] },
    ]);
    expect(log.block(id)).toEqual(block);
    expect(log.sizes).toMatchObject({ blocks: 0, archivedBlocks: 1 });
    await log.close();
  });
});
