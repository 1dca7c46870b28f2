import { join } from "node:path";
import { ChainDatabase } from "@aios/consensus/adapters/lmdb/chain-database";
import { LmdbMempoolJournal } from "@aios/consensus/adapters/lmdb/lmdb-mempool-journal";
import { type TemporaryDirectory, temporaryDirectory } from "@aios/testkit/temporary-directory";
import { open } from "lmdb";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sampleTransfer } from "../support/sample-blocks.js";

const environment = (directory: string) =>
  open({ path: join(directory, "chain.lmdb"), maxDbs: 16, encoding: "binary", noSubdir: true });

/** A directory as format 1 had it: each waiting transaction by its hash. */
async function writeFormat1(directory: string, waiting: readonly { raw: Uint8Array; hash: string }[]) {
  const root = environment(directory);
  const meta = root.openDB<Buffer, string>({ name: "meta", encoding: "binary" });
  const mempool = root.openDB<Buffer, Uint8Array>({
    name: "mempool",
    encoding: "binary",
    keyEncoding: "binary",
  });
  meta.putSync("format", Buffer.from([1]));
  for (const [index, { raw, hash }] of waiting.entries()) {
    const arrival = Buffer.alloc(8);
    arrival.writeBigUInt64BE(BigInt(1_000 - index));
    mempool.putSync(Buffer.from(hash.slice(2), "hex"), Buffer.concat([arrival, raw]));
  }
  await root.close();
}

describe("a data directory of another release", () => {
  let directory: TemporaryDirectory;
  beforeEach(() => {
    directory = temporaryDirectory("chain-format");
  });
  afterEach(() => directory.remove());

  it("keeps its waiting transactions and the times of their arrival, in order", async () => {
    const waiting = await Promise.all([0, 1, 2].map(sampleTransfer));
    await writeFormat1(directory.path, waiting);
    for (let start = 0; start < 2; start++) {
      const database = new ChainDatabase(directory.path);
      const entries = [...new LmdbMempoolJournal(database).entries()];
      expect(
        entries.map(({ raw, receivedAtMs }) => [Buffer.from(raw).toString("hex"), receivedAtMs]),
      ).toEqual(waiting.map(({ raw }, index) => [Buffer.from(raw).toString("hex"), 1_000 - index]).reverse());
      await database.close();
    }
  });

  it("keeps its trie nodes where they are, and has the format of this release then, which the one before refuses", async () => {
    const root = environment(directory.path);
    root.openDB<Buffer, string>({ name: "meta", encoding: "binary" }).putSync("format", Buffer.from([2]));
    root.openDB({ name: "trie-nodes", encoding: "binary" }).putSync(Buffer.alloc(32, 1), Buffer.of(0xc0));
    await root.close();
    const database = new ChainDatabase(directory.path);
    expect([...(database.tries.load(Buffer.alloc(32, 1)) ?? [])]).toEqual([0xc0]);
    expect([...(database.meta.get("format") ?? [])]).toEqual([3]);
    await database.close();
  });

  it("is left as it is where a later release wrote it, and says what to do", async () => {
    const root = environment(directory.path);
    root.openDB<Buffer, string>({ name: "meta", encoding: "binary" }).putSync("format", Buffer.from([9]));
    await root.close();
    expect(() => new ChainDatabase(directory.path)).toThrow(
      expect.objectContaining({
        code: "chain-format-unknown",
        message: expect.stringContaining("later release"),
      }),
    );
  });
});
