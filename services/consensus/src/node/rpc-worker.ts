import { parentPort, workerData } from "node:worker_threads";
import { systemClock } from "@aios/service-kit/system-clock";
import { RpcDispatcher } from "../adapters/json-rpc/dispatcher.js";
import { rpcMethods } from "../adapters/json-rpc/methods.js";
import { RpcServer } from "../adapters/json-rpc/server.js";
import { ChainDatabase } from "../adapters/lmdb/chain-database.js";
import { LmdbBlockStore } from "../adapters/lmdb/lmdb-block-store.js";
import { LmdbStateStore } from "../adapters/lmdb/lmdb-state-store.js";
import { AnnouncedBlocks } from "../adapters/rpc-thread/announced-blocks.js";
import { NodeChannel } from "../adapters/rpc-thread/node-channel.js";
import { ObservedCalls } from "../adapters/rpc-thread/observed-calls.js";
import { unpackTransactions } from "../adapters/rpc-thread/packed-transactions.js";
import { RemoteHonorView } from "../adapters/rpc-thread/remote-honor-view.js";
import { RemotePool } from "../adapters/rpc-thread/remote-pool.js";
import type { ToRpcThread } from "../adapters/rpc-thread/rpc-protocol.js";
import type { RpcListening } from "../adapters/rpc-thread/rpc-thread.js";
import { SharedHead } from "../adapters/rpc-thread/shared-head.js";
import { ThreadNews } from "../adapters/rpc-thread/thread-news.js";
import { recoverPublicKey } from "../adapters/secp256k1/recover-public-key.js";
import { RecoveryPool } from "../adapters/secp256k1/recovery-pool.js";
import { WorkerEngine } from "../adapters/worker/worker-engine.js";
import { Admission } from "../application/admission.js";
import { CallContract } from "../application/call-contract.js";
import { ChainView } from "../application/chain-view.js";
import { FeeOracle } from "../application/fee-oracle.js";
import { FilterRegistry } from "../application/filter-registry.js";
import { QueryLogs } from "../application/query-logs.js";
import { heightOfTag } from "../domain/block-tag.js";
import type { Genesis } from "../domain/genesis.js";
import { networkRules } from "../domain/network-rules.js";
import type { StateStore } from "../domain/ports.js";
import { AdmissionCodec } from "../domain/transaction-codec.js";
import type { CallWorkerData } from "./call-worker.js";
import type { NodeSettings } from "./node-settings.js";

/** What the thread that serves JSON-RPC is started with. */
export interface RpcWorkerData {
  readonly genesis: Genesis;
  readonly dataDir: string;
  readonly settings: NodeSettings;
  readonly clientVersion: string;
  readonly isHonorNode: boolean;
  /** Blocks are made by another clock than the machine's. */
  readonly hasOwnClock: boolean;
  /** The thread that runs calls starts at once, and not with the first one. */
  readonly expectsCalls: boolean;
  /** Somebody counts calls. */
  readonly isObserved: boolean;
}

const RECOVERY_BATCH = 128;

const port = parentPort;
if (port === null) throw new Error("This file runs in a worker thread.");
const data = workerData as RpcWorkerData & RpcListening;
const { genesis, settings } = data;
const head = new SharedHead(data.head);
const channel = new NodeChannel(port);
const observed = new ObservedCalls(channel, data.isObserved);
const news = new ThreadNews(channel, (error) => observed.internalError("eth_subscribe", error));
const leaving = new AbortController();
/** Closes what was opened, the last first. */
const resources = new AsyncDisposableStack();

function openEngine(): WorkerEngine {
  const engine = new WorkerEngine({
    script: new URL("./call-worker.js", import.meta.url),
    workerData: { genesis, dataDir: data.dataDir, settings } satisfies CallWorkerData,
    maxQueuedCalls: settings.maxQueuedCalls,
    callTimeoutMs: settings.callTimeoutMs,
    maxHeapMiB: settings.callHeapMiB,
  });
  resources.defer(() => engine.close());
  if (data.expectsCalls) engine.warmUp();
  return engine;
}

function openCodec(): AdmissionCodec {
  const recovery = new RecoveryPool(recoverPublicKey, {
    script: new URL("./recovery-worker.js", import.meta.url),
    workers: settings.recoveryWorkers,
    maxQueued: settings.maxQueuedRecoveries,
    batchSize: RECOVERY_BATCH,
  });
  resources.defer(() => recovery.close());
  return new AdmissionCodec(genesis, recoverPublicKey, recovery);
}

function openDatabase(): ChainDatabase {
  const database = new ChainDatabase(data.dataDir, { readOnly: true });
  resources.defer(() => database.close());
  return database;
}

function dispatcherOver(blocks: AnnouncedBlocks, states: StateStore, codec: AdmissionCodec): RpcDispatcher {
  const clock = data.hasOwnClock ? { now: () => channel.ask("now", []) } : systemClock;
  const pending = { current: () => channel.ask("pendingBlock", []) };
  const chain = new ChainView(
    genesis,
    blocks,
    pending,
    clock,
    networkRules(genesis),
    heightOfTag,
    head.finality,
  );
  const { maxLogBlocks, maxLogs, maxTransactionBytes } = settings;
  const logs = new QueryLogs(chain, blocks, { maxBlocks: maxLogBlocks, maxLogs });
  const engine = openEngine();
  const pool = new RemotePool(channel, settings.maxQueuedRecoveries);
  const methods = rpcMethods({
    chain,
    blocks,
    states,
    engine,
    logs,
    pool,
    admission: new Admission(codec, maxTransactionBytes, (transactions) => pool.admit(transactions)),
    calls: new CallContract(chain, engine, states, settings.callGasCap),
    fees: new FeeOracle(chain, blocks, settings.defaultTipPerGas, settings.minTipPerGas),
    filters: new FilterRegistry(chain, logs, news, systemClock, {
      maxFilters: settings.maxFilters,
      idleMs: settings.filterIdleMs,
      maxQueuedHashes: maxLogs,
      maxBlocksPerPoll: maxLogBlocks,
    }),
    whyPending: { explain: (hash) => channel.ask("explain", [hash]) },
    honor: data.isHonorNode ? new RemoteHonorView(channel) : undefined,
    evidence: { list: () => channel.ask("evidence", []) },
    stakingContract: genesis.honor?.stakingContract,
    simulationGasCap: settings.simulationGasCap,
    clientVersion: data.clientVersion,
  });
  return new RpcDispatcher(methods, settings, observed, () => systemClock.now());
}

async function serve(): Promise<void> {
  const [database, codec] = [openDatabase(), openCodec()];
  const blocks = new AnnouncedBlocks(new LmdbBlockStore(database, codec), head, () => database.refresh());
  port?.on("message", (message: ToRpcThread) => receive(message, blocks));
  const dispatcher = dispatcherOver(blocks, new LmdbStateStore(database), codec);
  const server = new RpcServer(dispatcher, news, blocks, leaving.signal);
  resources.defer(() => server.close());
  const address = await server.listen(data.host, data.port);
  channel.tell({ kind: "listening", port: address.port });
}

function receive(message: ToRpcThread, blocks: AnnouncedBlocks): void {
  switch (message.kind) {
    case "answer":
    case "refused":
      channel.receive(message);
      return;
    case "stored": {
      const header = blocks.header(message.height);
      if (header !== undefined) news.emit("head", { header });
      return;
    }
    case "admitted":
      for (const transaction of unpackTransactions(message.transactions)) news.emit("admitted", transaction);
      return;
    case "leaving":
      leaving.abort();
      return;
    case "stop":
      void stop();
  }
}

async function stop(): Promise<void> {
  await resources.disposeAsync();
  observed.flush();
  channel.tell({ kind: "stopped" });
}

try {
  await serve();
} catch (error) {
  await resources.disposeAsync();
  const { message, code } = error as NodeJS.ErrnoException;
  channel.tell({ kind: "failed", message, code });
}
