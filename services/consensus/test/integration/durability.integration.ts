import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { ChainDatabase } from "@aios/consensus/adapters/lmdb/chain-database";
import { decodeHeader } from "@aios/consensus/domain/block-codec";
import { keccak256 } from "@aios/core-keccak/keccak";
import { EMPTY_TRIE_ROOT } from "@aios/core-trie/empty-hashes";
import { MerklePatriciaTrie } from "@aios/core-trie/merkle-patricia-trie";
import { JsonRpcProvider } from "ethers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { rpc, startTestChain, testGenesisJson, wallets } from "../support/test-chain.js";

const SCRIPT = fileURLToPath(new URL("../../dist/test/support/node-process.js", import.meta.url));
/** More by command: DURABILITY_ROUNDS=200. */
const ROUNDS = Number(process.env["DURABILITY_ROUNDS"] ?? 5);
const TO = `0x${"45".repeat(20)}`;
const FEES = {
  type: 2,
  chainId: 26_070,
  to: TO,
  value: 1n,
  gasLimit: 21_000n,
  maxFeePerGas: 10_000_000_000n,
  maxPriorityFeePerGas: 1n,
};

interface RunningNode {
  readonly child: ChildProcess;
  readonly url: string;
}

/** The root that the accounts on disk add up to, built anew from nothing but them. */
function rootOfFlatState(dataDir: string): string {
  return withDatabase(dataDir, (database) => {
    const trie = new MerklePatriciaTrie(EMPTY_TRIE_ROOT, () => undefined);
    for (const { key, value } of database.accounts.getRange()) trie.put(keccak256(key), value);
    return trie.commit(() => undefined);
  });
}

/** The root that the last committed block names; its header must be readable. */
function rootOfHead(dataDir: string): string {
  return withDatabase(dataDir, (database) => {
    const height = Number(database.meta.get("head")?.readBigUInt64BE());
    const header = database.headers.get(height);
    return header === undefined ? `the header of ${height} is missing` : decodeHeader(header).stateRoot;
  });
}

function withDatabase<T>(dataDir: string, read: (database: ChainDatabase) => T): T {
  const database = new ChainDatabase(dataDir, { readOnly: true });
  try {
    return read(database);
  } finally {
    void database.close();
  }
}

describe("durability", () => {
  let directory: string;
  let genesisFile: string;
  const children: ChildProcess[] = [];

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "aios-consensus-kill-"));
    genesisFile = join(directory, "genesis.json");
    await writeFile(genesisFile, JSON.stringify(testGenesisJson()));
  });

  afterAll(async () => {
    for (const child of children) child.kill("SIGKILL");
    await rm(directory, { recursive: true, force: true });
  });

  async function start(dataDir: string): Promise<RunningNode> {
    const child = spawn(process.execPath, [SCRIPT, genesisFile, dataDir], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    children.push(child);
    if (child.stdout === null) throw new Error("no output");
    const [url] = (await once(createInterface(child.stdout), "line")) as [string];
    return { child, url };
  }

  async function kill({ child }: RunningNode): Promise<void> {
    child.kill("SIGKILL");
    await once(child, "exit");
  }

  it("loses nothing that was answered when it is killed under load, again and again", {
    timeout: ROUNDS * 48_000,
  }, async () => {
    const dataDir = join(directory, "data");
    const sender = wallets[0];
    if (sender === undefined) throw new Error("no wallet");
    const accepted = new Set<string>();
    let nonce = 0;
    let finalized = { number: 0, hash: "" };
    for (let round = 0; round < ROUNDS; round++) {
      const node = await start(dataDir);
      if (finalized.hash !== "") {
        const block = await rpc(node.url, "eth_getBlockByNumber", [
          `0x${finalized.number.toString(16)}`,
          false,
        ]);
        expect((block.result as { hash: string }).hash).toBe(finalized.hash);
      }
      const raw = await Promise.all(
        Array.from({ length: 80 }, (_, i) => sender.signTransaction({ ...FEES, nonce: nonce + i })),
      );
      const killAt = 10 + ((round * 15) % 70);
      const sends: Promise<void>[] = [];
      for (const [index, item] of raw.entries()) {
        if (index === killAt) {
          const block = (await rpc(node.url, "eth_getBlockByNumber", ["finalized", false])).result as {
            number: string;
            hash: string;
          };
          finalized = { number: Number(block.number), hash: block.hash };
          const ended = kill(node);
          await Promise.all(sends);
          await ended;
          expect(rootOfFlatState(dataDir)).toBe(rootOfHead(dataDir));
          break;
        }
        const send = rpc(node.url, "eth_sendRawTransaction", [item]).then(
          (reply) => {
            if (typeof reply.result === "string") accepted.add(reply.result);
          },
          () => undefined,
        );
        sends.push(send);
        if (index % 7 === 0) await send;
      }
      const survivor = await start(dataDir);
      const provider = new JsonRpcProvider(survivor.url, undefined, { cacheTimeout: -1 });
      for (const hash of accepted) {
        expect(
          (await rpc(survivor.url, "eth_getTransactionByHash", [hash])).result,
          `${hash} was lost`,
        ).not.toBeNull();
      }
      // What the kill cut off before an answer may be missing, and what came after it then waits: send all again.
      for (const item of raw.slice(0, killAt)) await rpc(survivor.url, "eth_sendRawTransaction", [item]);
      nonce += killAt;
      await expect
        .poll(() => provider.getTransactionCount(sender.address), { timeout: 60_000, interval: 50 })
        .toBe(nonce);
      provider.destroy();
      await kill(survivor);
    }
    const last = await start(dataDir);
    const provider = new JsonRpcProvider(last.url, undefined, { cacheTimeout: -1 });
    const mined = await provider.getTransactionCount(sender.address);
    expect(await provider.getBalance(TO)).toBe(BigInt(mined));
    for (const hash of accepted) expect((await provider.getTransactionReceipt(hash))?.status).toBe(1);
    const head = await provider.getBlockNumber();
    for (let height = 1; height <= head; height++) {
      const [block, parent] = await Promise.all([provider.getBlock(height), provider.getBlock(height - 1)]);
      expect(block?.parentHash).toBe(parent?.hash);
    }
    provider.destroy();
    await kill(last);
  });

  it("restores what waits for a missing nonce, and everything else, over a clean restart", async () => {
    const chain = await startTestChain();
    const sender = wallets[1];
    const mined = await rpc(chain.node.url, "eth_sendRawTransaction", [
      await sender?.signTransaction({ ...FEES, nonce: 0 }),
    ]);
    const waiting = await rpc(chain.node.url, "eth_sendRawTransaction", [
      await sender?.signTransaction({ ...FEES, nonce: 2 }),
    ]);
    const before = await rpc(chain.node.url, "eth_getBlockByNumber", ["earliest", false]);
    const again = await chain.restart();
    expect((await rpc(again.node.url, "eth_getBlockByNumber", ["earliest", false])).result).toEqual(
      before.result,
    );
    const provider = new JsonRpcProvider(again.node.url, undefined, {
      pollingInterval: 20,
      cacheTimeout: -1,
    });
    await provider.waitForTransaction(String(mined.result), 1, 10_000);
    expect((await rpc(again.node.url, "txpool_status")).result).toEqual({ pending: "0x0", queued: "0x1" });
    await rpc(again.node.url, "eth_sendRawTransaction", [
      await sender?.signTransaction({ ...FEES, nonce: 1 }),
    ]);
    expect((await provider.waitForTransaction(String(waiting.result), 1, 10_000))?.status).toBe(1);
    provider.destroy();
    await again[Symbol.asyncDispose]();
  });

  it("refuses a data directory of another chain", async () => {
    const chain = await startTestChain();
    await chain.node.stop();
    const other = { ...testGenesisJson(), chainId: 5 };
    const { parseGenesis } = await import("@aios/consensus/domain/genesis");
    const { startNode } = await import("@aios/consensus/start-node");
    await expect(
      startNode({
        genesis: parseGenesis({ ...other, timestampSeconds: 1 }),
        dataDir: chain.dataDir,
        port: 0,
      }),
    ).rejects.toMatchObject({ code: "genesis-mismatch" });
    await rm(chain.dataDir, { recursive: true, force: true });
  });
});
