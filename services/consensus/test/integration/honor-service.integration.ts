import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  SnapshotDirectory,
  snapshotFile,
  writeSnapshotFile,
} from "@aios/consensus/adapters/lmdb/snapshot/snapshot-directory";
import { exportSnapshotFile, importSnapshotFile } from "@aios/consensus/begin-with-snapshot";
import type { NodeFile } from "@aios/consensus/honor-home";
import { ConsensusServiceService } from "@aios/proto/aios/consensus/v1/consensus";
import { createGrpcClient } from "@aios/service-kit/grpc-client";
import { loadTokenIssuer } from "@aios/service-kit/service-token";
import { writeServiceKeys } from "@aios/testkit/service-keys";
import { mainOf, ServiceProcess } from "@aios/testkit/service-process";
import { type TemporaryDirectory, temporaryDirectory } from "@aios/testkit/temporary-directory";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { withForgedState } from "../support/forged-state.js";
import { HonorProcesses } from "../support/honor-processes.js";
import { rpc, wallets } from "../support/test-chain.js";

const FOLLOWER = 4;

describe("the consensus service on an honor chain", { timeout: 400_000 }, () => {
  let directory: TemporaryDirectory;
  let network: HonorProcesses;
  let service: ServiceProcess;
  let gatewayKeyFile: string;
  let environment: Record<string, string>;

  beforeAll(async () => {
    directory = temporaryDirectory("honor-service");
    const keys = await writeServiceKeys(directory.path, ["consensus", "gateway"]);
    gatewayKeyFile = keys.keyFile("gateway");
    network = await HonorProcesses.start({
      seats: 4,
      followers: 1,
      tickMs: 600,
      mergeDepth: 1_000,
      snapshotIntervalBlocks: 20,
    });
    const { home } = network.node(FOLLOWER);
    await network.kill(FOLLOWER);
    const file = JSON.parse(await readFile(join(home, "node.json"), "utf8")) as NodeFile;
    environment = {
      AIOS_SERVICE_KEY_FILE: keys.keyFile("consensus"),
      AIOS_TRUST_BUNDLE_FILE: keys.trustBundleFile,
      AIOS_DATA_DIR: directory.path,
      CONSENSUS_GENESIS_FILE: join(home, "genesis.json"),
      CONSENSUS_JSON_RPC_LISTEN: "127.0.0.1:0",
      CONSENSUS_MODE: "honor",
      CONSENSUS_NODE_KEY_FILE: join(home, "node.pem"),
      CONSENSUS_PEER_LISTEN: `${file.peerListen.host}:${file.peerListen.port}`,
      CONSENSUS_PEERS: file.peers
        .map(({ publicKey, host, port }) => `${publicKey}@${host}:${port}`)
        .join(","),
    };
    service = await ServiceProcess.start({ main: mainOf("consensus"), env: environment });
  });

  afterAll(async () => {
    await service?.kill();
    await network?.[Symbol.asyncDispose]();
    directory.remove();
  });

  it("follows it without a seat, catches up, takes transactions in, and streams its checkpoints", async () => {
    const identity = await loadTokenIssuer("gateway", gatewayKeyFile);
    const client = createGrpcClient(ConsensusServiceService, `127.0.0.1:${service.ports.grpcPort}`, {
      audience: "consensus",
      identity,
    });
    const { jsonRpcUrl } = await client.getStatus({});
    const raw = await wallets[0]?.signTransaction({
      type: 2,
      chainId: 26_070,
      nonce: 0,
      to: `0x${"12".repeat(20)}`,
      value: 1n,
      gasLimit: 21_000n,
      maxFeePerGas: 10_000_000_000n,
      maxPriorityFeePerGas: 1n,
    });
    const { result: hash } = await rpc(jsonRpcUrl, "eth_sendRawTransaction", [raw]);
    let block: number | undefined;
    for await (const checkpoint of client.watchCheckpoints({}, { deadlineMs: 120_000 })) {
      if (checkpoint.transactionCount > 0) block ??= checkpoint.height;
      if (block !== undefined && checkpoint.finalizedHeight >= block) break;
    }
    // The follower may have it before another node has executed it, and before all peers have found each other.
    await vi.waitFor(
      async () => {
        expect(await network.ask(0, "eth_getTransactionReceipt", [hash])).toMatchObject({
          status: "0x1",
          blockNumber: `0x${block?.toString(16)}`,
        });
        const { result } = await rpc(jsonRpcUrl, "aios_honorStatus");
        expect(result).toMatchObject({ seat: null, peers: { length: 4 } });
      },
      { timeout: 120_000, interval: 200 },
    );
    expect((await service.stop()).code).toBe(0);
  });

  it("says what is missing instead of starting as something else", async () => {
    const { CONSENSUS_NODE_KEY_FILE: _, ...incomplete } = environment;
    await expect(ServiceProcess.start({ main: mainOf("consensus"), env: incomplete })).rejects.toThrow(
      /honor-settings-missing/,
    );
  });

  it("lets a node begin with the latest snapshot of its peers, or with one from a file, but with none that was changed", async () => {
    const { home } = network.node(FOLLOWER);
    const made = () => new SnapshotDirectory(join(network.node(0).home, "data")).heights.at(-1) ?? 0;
    await vi.waitFor(() => expect(made()).toBeGreaterThanOrEqual(20), { timeout: 180_000, interval: 500 });
    await service.kill();
    const file = JSON.parse(await readFile(join(home, "node.json"), "utf8")) as NodeFile;
    await writeFile(join(home, "node.json"), JSON.stringify({ ...file, sync: "snapshot" }));
    const begun = made();
    await rm(join(home, "data"), { recursive: true, force: true });
    await network.restart(FOLLOWER);
    await followsFrom(begun);

    const copy = join(directory.path, "copy.snapshot");
    const { height } = await exportSnapshotFile(network.node(0).home, copy);
    await expect(importSnapshotFile(home, copy)).rejects.toMatchObject({ code: "node-running" });
    await network.kill(FOLLOWER);
    await rm(join(home, "data"), { recursive: true });
    const bytes = await readFile(copy);
    for (const at of [3, 30, 2_000, bytes.length - 5]) {
      const changed = Buffer.from(bytes);
      changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
      await writeFile(`${copy}.changed`, changed);
      await expect(importSnapshotFile(home, `${copy}.changed`)).rejects.toMatchObject({
        code: "invalid-snapshot",
      });
    }
    await writeFile(`${copy}.torn`, bytes.subarray(0, bytes.length - 100));
    await expect(importSnapshotFile(home, `${copy}.torn`)).rejects.toMatchObject({ field: "part" });
    await writeSnapshotFile(await withForgedState(snapshotFile(copy)), `${copy}.forged`);
    await expect(importSnapshotFile(home, `${copy}.forged`)).rejects.toMatchObject({
      code: "invalid-snapshot",
      field: "state.root",
    });
    const distrustful = { ...file, trustedCheckpoint: { height, id: "ab".repeat(32) } };
    await writeFile(join(home, "node.json"), JSON.stringify(distrustful));
    await expect(importSnapshotFile(home, copy)).rejects.toMatchObject({ field: "checkpoint" });
    await writeFile(join(home, "node.json"), JSON.stringify(file));
    expect(await importSnapshotFile(home, copy)).toBe(height);
    await expect(importSnapshotFile(home, copy)).rejects.toMatchObject({ code: "snapshot-too-old" });
    await network.restart(FOLLOWER);
    await followsFrom(height);
  });

  /** The follower serves what the others do, from a height on. */
  async function followsFrom(height: number): Promise<void> {
    const target = (await network.height(0)) + 3;
    await vi.waitFor(async () => expect(await network.height(FOLLOWER)).toBeGreaterThanOrEqual(target), {
      timeout: 120_000,
      interval: 200,
    });
    expect(await network.hash(FOLLOWER, target)).toBe(await network.hash(0, target));
    const owner = wallets[0]?.address;
    const balances = [0, FOLLOWER].map((node) =>
      network.ask(node, "eth_getBalance", [owner, `0x${target.toString(16)}`]),
    );
    expect(new Set(await Promise.all(balances)).size).toBe(1);
    const { url } = network.node(FOLLOWER);
    expect((await rpc(url, "eth_getBlockByNumber", ["0x5", false])).error).toMatchObject({ code: 4_444 });
    const oldest = (await network.ask<{ blocks: { oldestBlock: string } }>(FOLLOWER, "eth_capabilities"))
      .blocks;
    expect(Number(oldest.oldestBlock)).toBeGreaterThanOrEqual(height + 1);
  }
});
