import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Worker } from "node:worker_threads";
import { readHonorHome } from "@aios/consensus/honor-home";
import { startNode } from "@aios/consensus/start-node";
import { makeHonorNetwork } from "@aios/consensus/testnet/honor-network";
import { freePort } from "@aios/service-kit/free-port";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { testGenesis, testGenesisJson } from "../support/test-chain.js";

const SEATS = 4;

describe("a node whose JSON-RPC port is taken", () => {
  const threads = new Set<Worker>();
  let started = 0;
  let root: string;
  let squatter: Server;
  let port: number;

  const onThread = (thread: Worker): void => {
    started += 1;
    threads.add(thread);
    thread.once("exit", () => threads.delete(thread));
  };

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "aios-start-failure-"));
    squatter = createServer().listen(0, "127.0.0.1");
    await once(squatter, "listening");
    port = (squatter.address() as AddressInfo).port;
    process.on("worker", onThread);
  });

  afterAll(async () => {
    process.off("worker", onThread);
    squatter.close();
    await rm(root, { recursive: true, force: true });
  });

  it("leaves nothing running, and its directory to the next start", async () => {
    const options = { genesis: testGenesis(), dataDir: join(root, "single") };
    await expect(startNode({ ...options, port })).rejects.toMatchObject({ code: "EADDRINUSE" });
    expect(started).toBeGreaterThan(0);
    expect(threads.size).toBe(0);
    const node = await startNode({ ...options, port: 0 });
    await node.stop();
    expect(threads.size).toBe(0);
  });

  it("ends its part in an honor chain too: another process may take its seat up", async () => {
    const places = await Promise.all(
      Array.from({ length: SEATS }, async () => ({ rpcPort: await freePort(), peerPort: await freePort() })),
    );
    const [home = ""] = await makeHonorNetwork({
      directory: join(root, "honor"),
      seats: SEATS,
      places,
      genesis: testGenesisJson(),
      genesisTimeMs: Date.now(),
      tickMs: 600,
      maxDelayMs: 100,
      k: 10,
    });
    const { genesis, dataDir, honor } = await readHonorHome(home);
    const before = started;
    await expect(startNode({ genesis, dataDir, honor, port })).rejects.toMatchObject({ code: "EADDRINUSE" });
    expect(started).toBeGreaterThan(before);
    expect(threads.size).toBe(0);
    const node = await startNode({ genesis, dataDir, honor, port: 0 });
    expect(node.honor?.peerPort).toBe(honor.listen.port);
    await node.stop();
    expect(threads.size).toBe(0);
  });
});
