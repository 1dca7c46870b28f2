import { existsSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { LogEntry } from "@aios/core-honor-node/node-protocol";
import { readOwnLog } from "@aios/core-honor-node/own-log";
import { type TemporaryDirectory, temporaryDirectory } from "@aios/testkit/temporary-directory";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CHAIN_FILE, ChainDatabase, heightBytes } from "../chain-database.js";
import { LmdbHonorLog } from "../lmdb-honor-log.js";
import { ownHead } from "./import-snapshot.js";
import { completeIncoming, openIncoming, settleIncoming } from "./incoming.js";

const CHAIN = "aios:1:test";
const OLD_HEAD = 7;
const NEW_HEAD = 40;
const transactions: LogEntry = { kind: "transactions", transactions: [] };
const safety: LogEntry = {
  kind: "safety",
  record: {
    height: 9,
    round: 2,
    step: "precommit",
    lockedRound: -1,
    locked: undefined,
    validRound: -1,
    valid: undefined,
    justification: [],
    sent: [{ kind: "prevote", height: 9, round: 2, sender: 1, checkpointId: "ab".repeat(32) }],
  },
};
const abstention = { blocksUntil: 50, votesUntil: 0 };
const trusted = {
  genesisSet: { number: 0, members: [] },
  genesis: { root: "00".repeat(32), candidates: [] },
};

describe("a chain that is taken in beside another", () => {
  let directory: TemporaryDirectory;
  beforeEach(async () => {
    directory = temporaryDirectory("incoming");
    await write(directory.path, OLD_HEAD, [transactions, safety]);
  });
  afterEach(() => directory.remove());

  async function write(
    path: string,
    head: number,
    entries: readonly LogEntry[],
    chain = CHAIN,
  ): Promise<void> {
    const database = new ChainDatabase(path);
    await database.write((batch) => batch.put(database.meta, "head", heightBytes(head)));
    await database.close();
    const log = new LmdbHonorLog(path, chain);
    await log.append(entries);
    await log.close();
  }

  async function takeIn(): Promise<string> {
    const path = await openIncoming(directory.path);
    await write(path, NEW_HEAD, [{ kind: "abstention", abstention }]);
    return path;
  }

  async function logEntries(): Promise<LogEntry[]> {
    const log = new LmdbHonorLog(directory.path, CHAIN);
    const entries = [...log.load()];
    await log.close();
    return entries;
  }

  /** The old chain, or the new one with what the node said before. */
  async function state(): Promise<"old" | "new"> {
    const entries = await logEntries();
    expect(entries).toContainEqual(safety);
    const head = await ownHead(directory.path);
    expect(existsSync(join(directory.path, "incoming"))).toBe(false);
    if (head === OLD_HEAD) return "old";
    expect(head).toBe(NEW_HEAD);
    expect(readOwnLog(entries, trusted).abstention).toEqual(abstention);
    return "new";
  }

  it("takes the place of the old one once it is whole, and what the node said stays", async () => {
    await takeIn();
    await completeIncoming(directory.path, CHAIN);
    await settleIncoming(directory.path);
    expect(await state()).toBe("new");
  });

  it("leaves the old one as it was where it is cut off before", async () => {
    await takeIn();
    await settleIncoming(directory.path);
    expect(await state()).toBe("old");
    expect((await logEntries()).length).toBe(2);
  });

  it("is put there at the next start where that is cut off, at any step", async () => {
    const path = await takeIn();
    await completeIncoming(directory.path, CHAIN);
    const [from, log] = [new LmdbHonorLog(path, CHAIN), new LmdbHonorLog(directory.path, CHAIN)];
    log.restartFrom(from);
    await from.close();
    await log.close();
    await rm(join(directory.path, `${CHAIN_FILE}-lock`), { force: true });
    await rename(join(path, CHAIN_FILE), join(directory.path, CHAIN_FILE));
    await settleIncoming(directory.path);
    expect(await state()).toBe("new");
    await settleIncoming(directory.path);
    expect(await state()).toBe("new");
  });

  it("never mixes with one of another chain", async () => {
    const path = await openIncoming(directory.path);
    await write(path, NEW_HEAD, [], "aios:1:other");
    await completeIncoming(directory.path, "aios:1:other");
    await expect(settleIncoming(directory.path)).rejects.toMatchObject({ code: "genesis-mismatch" });
    expect(await ownHead(directory.path)).toBe(OLD_HEAD);
    expect(await logEntries()).toContainEqual(safety);
  });
});
