import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ConsensusServiceService } from "@aios/proto/aios/consensus/v1/consensus";
import { createGrpcClient, type GrpcClient } from "@aios/service-kit/grpc-client";
import { loadTokenIssuer } from "@aios/service-kit/service-token";
import { type ServiceKeyFiles, writeServiceKeys } from "@aios/testkit/service-keys";
import { ServiceProcess } from "@aios/testkit/service-process";
import { type TemporaryDirectory, temporaryDirectory } from "@aios/testkit/temporary-directory";
import { JsonRpcProvider } from "ethers";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { testGenesisJson, wallets } from "../support/test-chain.js";

const MAIN = fileURLToPath(new URL("../../dist/src/main.js", import.meta.url));

describe("the consensus service", () => {
  let directory: TemporaryDirectory;
  let keys: ServiceKeyFiles;
  let service: ServiceProcess;

  beforeAll(async () => {
    directory = temporaryDirectory("consensus-service");
    keys = await writeServiceKeys(directory.path, ["consensus", "gateway", "stranger"]);
    const genesisFile = join(directory.path, "genesis.json");
    await writeFile(genesisFile, JSON.stringify(testGenesisJson()));
    service = await ServiceProcess.start({
      main: MAIN,
      env: {
        AIOS_SERVICE_KEY_FILE: keys.keyFile("consensus"),
        AIOS_TRUST_BUNDLE_FILE: keys.trustBundleFile,
        AIOS_DATA_DIR: directory.path,
        CONSENSUS_GENESIS_FILE: genesisFile,
        CONSENSUS_JSON_RPC_LISTEN: "127.0.0.1:0",
      },
    });
  });

  afterAll(async () => {
    await service?.kill();
    directory.remove();
  });

  async function as(name: string): Promise<GrpcClient<typeof ConsensusServiceService>> {
    const identity = await loadTokenIssuer(name, keys.keyFile(name));
    return createGrpcClient(ConsensusServiceService, `127.0.0.1:${service.ports.grpcPort}`, {
      audience: "consensus",
      identity,
    });
  }

  it("tells its status and streams every checkpoint from the head on", async () => {
    const client = await as("gateway");
    const status = await client.getStatus({});
    expect(status).toMatchObject({
      chainId: 26_070,
      latestHeight: 0,
      finalizedHeight: 0,
      pendingTransactions: 0,
    });
    const provider = new JsonRpcProvider(status.jsonRpcUrl, undefined, {
      cacheTimeout: -1,
      pollingInterval: 50,
    });
    const heights: number[] = [];
    for await (const checkpoint of client.watchCheckpoints({}, { deadlineMs: 30_000 })) {
      heights.push(checkpoint.height);
      if (checkpoint.height === 0) {
        await wallets[0]?.connect(provider).sendTransaction({ to: `0x${"12".repeat(20)}`, value: 1n });
      }
      if (checkpoint.height === 1) {
        const block = await provider.getBlock(1);
        expect(`0x${Buffer.from(checkpoint.blockHash).toString("hex")}`).toBe(block?.hash);
        expect(checkpoint.transactionCount).toBe(1);
      }
      if (checkpoint.finalizedHeight === 1) break;
    }
    expect(heights).toEqual([0, 1, 2]);
    provider.destroy();
  });

  it("refuses callers that it does not know by name", async () => {
    const client = await as("stranger");
    await expect(client.getStatus({})).rejects.toMatchObject({ kind: "forbidden" });
  });

  it("is ready and shows its metrics", async () => {
    const base = `http://127.0.0.1:${service.ports.healthPort}`;
    const ready = (await (await fetch(`${base}/health`)).json()) as { checks: { name: string }[] };
    expect(ready.checks.map((check) => check.name)).toContain("checkpoint-producer");
    const text = await (await fetch(`${base}/metrics`)).text();
    expect(text).toMatch(/aios_consensus_latest_height(\{[^}]*\})? 2/);
    expect(text).toMatch(/aios_consensus_rpc_duration/);
  });

  it("ends in order on SIGTERM and starts again where it was", async () => {
    expect((await service.stop()).code).toBe(0);
    await service.restart();
    const client = await as("gateway");
    // The channel that the first client had is shared, and waits a while before it tries the same address again.
    const status = vi.waitUntil(() => client.getStatus({}).catch(() => undefined), { timeout: 20_000 });
    expect((await status).latestHeight).toBe(2);
  });
});
