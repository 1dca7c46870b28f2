import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chainCommon } from "@aios/consensus/adapters/ethereumjs/chain-common";
import { EthereumJsEngine } from "@aios/consensus/adapters/ethereumjs/ethereumjs-engine";
import { ChainDatabase } from "@aios/consensus/adapters/lmdb/chain-database";
import { LmdbBlockStore } from "@aios/consensus/adapters/lmdb/lmdb-block-store";
import { LmdbStateStore } from "@aios/consensus/adapters/lmdb/lmdb-state-store";
import { recoverPublicKey } from "@aios/consensus/adapters/secp256k1/recover-public-key";
import { WorkerEngine } from "@aios/consensus/adapters/worker/worker-engine";
import type { Genesis } from "@aios/consensus/domain/genesis";
import { AdmissionCodec } from "@aios/consensus/domain/transaction-codec";
import { defaultNodeSettings } from "@aios/consensus/node-settings";
import { type EngineUnderTest, executionEngineConformance } from "../support/execution-engine-conformance.js";

async function openLocal(genesis: Genesis): Promise<EngineUnderTest & { readonly directory: string }> {
  const directory = await mkdtemp(join(tmpdir(), "aios-engine-"));
  const database = new ChainDatabase(directory);
  const common = chainCommon(genesis);
  const codec = new AdmissionCodec(genesis, recoverPublicKey);
  const states = new LmdbStateStore(database);
  const blocks = new LmdbBlockStore(database, codec);
  const limits = { ...defaultNodeSettings, now: () => performance.now() };
  const engine = await EthereumJsEngine.create(genesis, common, states, blocks, limits);
  return {
    engine,
    states,
    blocks,
    codec,
    directory,
    async close() {
      await database.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

executionEngineConformance("EthereumJS in this thread", openLocal);

executionEngineConformance("EthereumJS with calls in a worker thread", async (genesis) => {
  const local = await openLocal(genesis);
  const engine = new WorkerEngine(local.engine, {
    script: new URL(import.meta.resolve("@aios/consensus/call-worker")),
    workerData: { genesis, dataDir: local.directory, settings: defaultNodeSettings },
    maxQueuedCalls: 16,
    callTimeoutMs: 10_000,
    maxHeapMiB: 96,
  });
  return {
    ...local,
    engine,
    async close() {
      await engine.close();
      await local.close();
    },
  };
});
