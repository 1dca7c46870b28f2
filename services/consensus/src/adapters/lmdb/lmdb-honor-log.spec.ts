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
