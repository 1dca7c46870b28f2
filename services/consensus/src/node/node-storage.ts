import { ChainDatabase } from "../adapters/lmdb/chain-database.js";
import { LmdbBlockStore } from "../adapters/lmdb/lmdb-block-store.js";
import { LmdbStateStore } from "../adapters/lmdb/lmdb-state-store.js";
import { TrieSweep } from "../adapters/lmdb/trie-sweep.js";
import { recoverPublicKey } from "../adapters/secp256k1/recover-public-key.js";
import { RecoveryPool } from "../adapters/secp256k1/recovery-pool.js";
import { AdmissionCodec } from "../domain/transaction-codec.js";
import type { NodeContext } from "./node-options.js";

const RECOVERY_BATCH = 128;

export interface NodeStorage {
  readonly database: ChainDatabase;
  readonly states: LmdbStateStore;
  readonly blocks: LmdbBlockStore;
  readonly codec: AdmissionCodec;
  readonly recovery: RecoveryPool;
}

/** The chain on disk, and the threads that recover the senders of what is to come there. */
export function openStorage({ genesis, options, settings, clock, resources }: NodeContext): NodeStorage {
  const database = new ChainDatabase(options.dataDir);
  resources.defer(() => database.close());
  const sweep = new TrieSweep(database, clock);
  resources.defer(() => sweep.stop());
  const recovery = new RecoveryPool(recoverPublicKey, {
    script: new URL("./recovery-worker.js", import.meta.url),
    workers: settings.recoveryWorkers,
    maxQueued: settings.maxQueuedRecoveries,
    batchSize: RECOVERY_BATCH,
  });
  resources.defer(() => recovery.close());
  const codec = new AdmissionCodec(genesis, recoverPublicKey, recovery);
  const pruning = Number.isFinite(settings.keptBlocks)
    ? {
        keptBlocks: settings.keptBlocks,
        sweep,
        onFailure: (error: unknown) => options.producerObserver?.failed(error, 1),
      }
    : undefined;
  const blocks = new LmdbBlockStore(database, codec, pruning);
  return { database, states: new LmdbStateStore(database), blocks, codec, recovery };
}
