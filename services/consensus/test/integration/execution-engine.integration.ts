import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ChainDatabase } from "@aios/consensus/adapters/lmdb/chain-database";
import { LmdbBlockStore } from "@aios/consensus/adapters/lmdb/lmdb-block-store";
import { LmdbStateStore } from "@aios/consensus/adapters/lmdb/lmdb-state-store";
import { recoverPublicKey } from "@aios/consensus/adapters/secp256k1/recover-public-key";
import { WorkerEngine } from "@aios/consensus/adapters/worker/worker-engine";
import { SessionEngine } from "@aios/consensus/application/session-engine";
import type { Genesis } from "@aios/consensus/domain/genesis";
import { AdmissionCodec } from "@aios/consensus/domain/transaction-codec";
import { defaultNodeSettings, type EngineName } from "@aios/consensus/node/node-settings";
import { openEngine } from "@aios/consensus/node/open-engine";
import { StartedThreads } from "@aios/testkit/started-threads";
import { expect } from "vitest";
import {
  type EngineUnderTest,
  executionEngineConformance,
} from "../conformance/execution-engine.conformance.js";

type LocalEngine = EngineUnderTest & { readonly directory: string };

async function openLocal(name: EngineName, genesis: Genesis): Promise<LocalEngine> {
  const directory = await mkdtemp(join(tmpdir(), "aios-engine-"));
  const database = new ChainDatabase(directory);
  const codec = new AdmissionCodec(genesis, recoverPublicKey);
  const states = new LmdbStateStore(database);
  const blocks = new LmdbBlockStore(database, codec);
  const engine = await openEngine(name, {
    genesis,
    states,
    blocks,
    recover: recoverPublicKey,
    settings: defaultNodeSettings,
    now: () => performance.now(),
  });
  expect(engine).toBeInstanceOf(SessionEngine);
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

async function openWithWorker(engineName: EngineName, genesis: Genesis): Promise<EngineUnderTest> {
  const local = await openLocal(engineName, genesis);
  const threads = new StartedThreads();
  const settings = { ...defaultNodeSettings, engine: engineName };
  const calls = new WorkerEngine({
    script: new URL(import.meta.resolve("@aios/consensus/node/call-worker")),
    workerData: { genesis, dataDir: local.directory, settings },
    maxQueuedCalls: 16,
    callTimeoutMs: 10_000,
    maxHeapMiB: 96,
  });
  return {
    ...local,
    engine: {
      executeBlock: (input) => local.engine.executeBlock(input),
      executeGenesis: () => local.engine.executeGenesis(),
      call: (state, context, request) => calls.call(state, context, request),
      accessList: (state, context, request) => calls.accessList(state, context, request),
      traceBlock: (parent, block, index, options) => calls.traceBlock(parent, block, index, options),
      traceCall: (state, context, request, options) => calls.traceCall(state, context, request, options),
      simulate: (parent, request) => calls.simulate(parent, request),
    },
    async crash() {
      expect(await threads.crash()).toBe(1);
    },
    async close() {
      threads[Symbol.dispose]();
      await calls.close();
      await local.close();
    },
  };
}

executionEngineConformance("our own in this thread", (genesis) => openLocal("evm", genesis));
executionEngineConformance(
  "our own with calls in a worker thread",
  (genesis) => openWithWorker("evm", genesis),
  { callsElsewhere: true },
);
executionEngineConformance("EthereumJS in this thread", (genesis) => openLocal("ethereumjs", genesis));
