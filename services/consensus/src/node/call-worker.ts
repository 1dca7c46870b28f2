import { workerData } from "node:worker_threads";
import { monotonicMs } from "@aios/service-kit/system-clock";
import { ChainDatabase } from "../adapters/lmdb/chain-database.js";
import { LmdbBlockStore } from "../adapters/lmdb/lmdb-block-store.js";
import { LmdbStateStore } from "../adapters/lmdb/lmdb-state-store.js";
import { recoverPublicKey } from "../adapters/secp256k1/recover-public-key.js";
import { serveCalls } from "../adapters/worker/serve-calls.js";
import type { Genesis } from "../domain/genesis.js";
import { AdmissionCodec } from "../domain/transaction-codec.js";
import type { NodeSettings } from "./node-settings.js";
import { openEngine } from "./open-engine.js";

export interface CallWorkerData {
  readonly genesis: Genesis;
  readonly dataDir: string;
  readonly settings: NodeSettings;
}

const { genesis, dataDir, settings } = workerData as CallWorkerData;
const codec = new AdmissionCodec(genesis, recoverPublicKey);
const database = new ChainDatabase(dataDir, { readOnly: true });
const states = new LmdbStateStore(database);
const blocks = new LmdbBlockStore(database, codec);
serveCalls(
  await openEngine(settings.engine, {
    genesis,
    states,
    blocks,
    recover: recoverPublicKey,
    settings,
    now: monotonicMs,
  }),
);
