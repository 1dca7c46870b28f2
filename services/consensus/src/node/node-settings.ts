import type { RpcLimits } from "../adapters/json-rpc/dispatcher.js";
import type { BlockLimits } from "../application/execute-blocks.js";
import type { ProducerSettings } from "../application/single-producer.js";
import type { Genesis } from "../domain/genesis.js";
import { DEFAULT_CHAIN_SIZES } from "../domain/honor-genesis.js";
import type { MempoolLimits } from "../domain/mempool.js";

/** Our own engine, or the library that it is held against. */
export const ENGINES = ["evm", "ethereumjs"] as const;
export type EngineName = (typeof ENGINES)[number];

/** Everything about a node that its operator may choose; but for what genesis says, nodes of one chain may differ in it. */
export interface NodeSettings extends ProducerSettings, MempoolLimits, RpcLimits, Omit<BlockLimits, "now"> {
  readonly engine: EngineName;
  /** Heights below the head whose blocks and receipts are kept, and of old states only the last ones; infinite: an archive. */
  readonly keptBlocks: number;
  /** Calls that may wait for the thread that runs them. */
  readonly maxQueuedCalls: number;
  /** Most gas that `eth_call` and `eth_estimateGas` may use. */
  readonly callGasCap: bigint;
  /** Most gas that all calls of one `eth_simulateV1` may use together. */
  readonly simulationGasCap: bigint;
  /** Longest run of one call. */
  readonly callTimeoutMs: number;
  /** Heap of the thread that runs calls. */
  readonly callHeapMiB: number;
  /** Heap of the thread that serves JSON-RPC. */
  readonly rpcHeapMiB: number;
  /** Waiting transactions that the pending block looks at. */
  readonly maxPendingTransactions: number;
  /** Threads that recover senders; 0 recovers them where JSON-RPC is served. */
  readonly recoveryWorkers: number;
  /** Signatures that may wait for such a thread. */
  readonly maxQueuedRecoveries: number;
  readonly maxLogBlocks: number;
  readonly maxLogs: number;
  readonly maxFilters: number;
  readonly filterIdleMs: number;
  readonly defaultTipPerGas: bigint;
}

export const defaultNodeSettings: NodeSettings = {
  engine: "evm",
  keptBlocks: Number.POSITIVE_INFINITY,
  minIntervalMs: 200,
  maxTransactionsPerBlock: 10_000,
  retryMs: 250,
  maxTransactions: 50_000,
  maxTotalBytes: 64 * 1024 * 1024,
  maxTransactionBytes: 128 * 1024,
  maxPerSender: 1_000,
  maxNonceGap: 1_000,
  replacementBumpPercent: 10,
  minTipPerGas: 0n,
  expiryMs: 3 * 60 * 60 * 1_000,
  maxRememberedDrops: 4_096,
  maxQueuedCalls: 256,
  maxBlockExecutionMs: 1_000,
  maxBlockBytes: 8 * 1024 * 1024 - 2 * 1024,
  callGasCap: 2n ** 24n,
  simulationGasCap: 50_000_000n,
  callTimeoutMs: 5_000,
  callHeapMiB: 96,
  rpcHeapMiB: 512,
  maxPendingTransactions: 200,
  recoveryWorkers: 1,
  maxQueuedRecoveries: 16_384,
  maxLogBlocks: 10_000,
  maxLogs: 10_000,
  maxFilters: 1_000,
  filterIdleMs: 5 * 60 * 1_000,
  defaultTipPerGas: 100_000_000n,
  maxBodyBytes: 5 * 1024 * 1024,
  maxBatch: 1_000,
  maxResponseBytes: 25 * 1024 * 1024,
  maxConnections: 512,
  maxSubscriptionsPerConnection: 100,
  maxBufferedBytes: 16 * 1024 * 1024,
};

/**
 * What a node runs with. All nodes of an honor chain admit the same transactions and make the same block of the same order:
 * genesis bounds both by size, and no clock does.
 */
export function settingsOn(
  genesis: Pick<Genesis, "honor">,
  isHonorNode: boolean,
  chosen: Partial<NodeSettings> = {},
): NodeSettings {
  const settings = { ...defaultNodeSettings, ...chosen };
  if (!isHonorNode) return settings;
  const { maxTransactionBytes, maxBlockBytes } = genesis.honor?.sizes ?? DEFAULT_CHAIN_SIZES;
  return { ...settings, maxTransactionBytes, maxBlockBytes, maxBlockExecutionMs: Number.POSITIVE_INFINITY };
}
