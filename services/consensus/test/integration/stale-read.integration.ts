import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { toHex } from "@aios/core-rlp/hex";
import { bytes32 } from "@aios/kernel/identifiers";
import { temporaryDirectory } from "@aios/testkit/temporary-directory";
import { expect, test } from "vitest";
import { ChainDatabase } from "../../src/adapters/lmdb/chain-database.js";
import { LmdbStateStore } from "../../src/adapters/lmdb/lmdb-state-store.js";

const ROOT = Buffer.alloc(32, 7);
/** The smallest node there is; what it says does not matter here. */
const NODE = Buffer.from("c0", "hex");

/** Writes a state root from another thread, when it is told to. */
const WRITER = `
const { parentPort, workerData } = require("node:worker_threads");
const { open } = require("lmdb");
const root = open({ path: workerData.path, maxDbs: 16, encoding: "binary", noSubdir: true });
const nodes = root.openDB({ name: "trie-nodes", encoding: "binary", keyEncoding: "binary" });
parentPort.once("message", () => {
  nodes.putSync(Buffer.from(workerData.root), Buffer.from(workerData.node));
  Atomics.store(workerData.written, 0, 1);
  Atomics.notify(workerData.written, 0);
});
parentPort.postMessage("ready");
`;

test("a state that another thread has just stored is seen in the same turn, also while an older one is read", async () => {
  const directory = temporaryDirectory("stale-read");
  const database = new ChainDatabase(directory.path);
  const written = new Int32Array(new SharedArrayBuffer(4));
  const path = `${directory.path}/chain.lmdb`;
  const writer = new Worker(WRITER, { eval: true, workerData: { path, root: ROOT, node: NODE, written } });
  try {
    await once(writer, "message");
    const states = new LmdbStateStore(database);
    const older = database.snapshot();
    database.meta.get("state-root", { transaction: older });
    writer.postMessage("write");
    expect(Atomics.wait(written, 0, 0, 10_000)).not.toBe("timed-out");
    states.snapshot(bytes32(toHex(ROOT)))[Symbol.dispose]();
    older.done();
  } finally {
    await writer.terminate();
    await database.close();
    directory.remove();
  }
});
