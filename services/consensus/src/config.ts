import { CodedError } from "@aios/kernel/coded-error";
import type { Peer } from "@aios/peer-network/peer-network";
import {
  baseSettings,
  byteSize,
  defineSettings,
  duration,
  hostPort,
  integer,
  optionalSetting,
  type Settings,
  setting,
  text,
} from "@aios/service-kit/config";
import { z } from "zod";
import { readNodeKeys, readSecret } from "./honor-home.js";
import {
  DEFAULT_KEPT_BLOCKS,
  DEFAULT_TRUST_PERIOD_HOURS,
  defaultHonorSettings,
  HISTORIES,
  type HonorOptions,
  LEAST_KEPT_BLOCKS,
  leavesTimeToPropose,
  SYNCS,
} from "./node/honor-options.js";
import { ENGINES, type NodeSettings } from "./node/node-settings.js";

const peerList = z.string().transform((list, context): readonly Peer[] => {
  const peers: Peer[] = [];
  for (const entry of list.split(",").filter((part) => part !== "")) {
    const match = /^([0-9a-f]{64})@(.+)$/.exec(entry);
    const place = hostPort.safeParse(match?.[2]);
    if (match === null || !place.success) {
      context.addIssue({ code: "custom", message: "expected key@host:port with a key of 64 hex digits" });
      return z.NEVER;
    }
    peers.push({ publicKey: match[1] as string, ...place.data });
  }
  return peers;
});

const checkpoint = z.string().transform((value, context) => {
  const match = /^([1-9][0-9]{0,14}):([0-9a-f]{64})$/.exec(value);
  if (match !== null) return { height: Number(match[1]), id: match[2] as string };
  context.addIssue({ code: "custom", message: "expected height:id with an id of 64 hex digits" });
  return z.NEVER;
});

export const consensusSettings = defineSettings({
  ...baseSettings,
  CONSENSUS_GENESIS_FILE: setting(text, {
    description: "JSON file with chain id, fork, fees and first balances; all nodes of a chain have the same",
  }),
  CONSENSUS_MODE: setting(z.enum(["single", "honor"]), {
    description:
      "single: this node makes every checkpoint; honor: it takes part in the chain of the honor set that the genesis file names",
    default: "single",
  }),
  CONSENSUS_PEER_LISTEN: setting(hostPort, {
    description: "address on which an honor chain's node listens to peers, host:port (port 0: any free one)",
    default: "127.0.0.1:0",
  }),
  CONSENSUS_PEERS: setting(peerList, {
    description: "peers of an honor chain's node, key@host:port,key@host:port; a key is 64 hex digits",
    default: "",
  }),
  CONSENSUS_NODE_KEY_FILE: optionalSetting(text, {
    description:
      "file with the Ed25519 key, PKCS #8 in PEM, that is an honor chain's node's name among its peers",
  }),
  CONSENSUS_SEAT_KEY_FILE: optionalSetting(text, {
    description:
      "file with the secret of a seat in the honor set, 64 hex digits; absent: the node follows without a vote",
  }),
  CONSENSUS_HISTORY: setting(z.enum(HISTORIES), {
    description:
      "what the node keeps on disk: archive, all since genesis; pruned, the last CONSENSUS_HISTORY_BLOCKS blocks, the last states, and of an honor chain's DAG and certificates what later ones need",
    default: "archive",
  }),
  CONSENSUS_HISTORY_BLOCKS: setting(integer(LEAST_KEPT_BLOCKS, 100_000_000), {
    description: "blocks and receipts that a pruned node keeps, counted from the latest",
    default: DEFAULT_KEPT_BLOCKS,
  }),
  CONSENSUS_OPERATOR_KEY_FILE: optionalSetting(text, {
    description:
      "file with the secret of the operator's account, 64 hex digits, that pays for submitting evidence; absent: others submit it",
  }),
  CONSENSUS_SYNC: setting(z.enum(SYNCS), {
    description:
      "how an honor chain's node without a chain begins: genesis, with block 0; snapshot, with the latest that its peers have and certificates prove",
    default: "genesis",
  }),
  CONSENSUS_TRUSTED_CHECKPOINT: optionalSetting(checkpoint, {
    description:
      "height:id of a decided checkpoint, its id 64 hex digits, that a snapshot has to contain; absent: the chain has to be younger than CONSENSUS_TRUST_PERIOD",
  }),
  CONSENSUS_TRUST_PERIOD: setting(duration, {
    description:
      "for so long the first honor set and a trusted checkpoint are believed when a snapshot is taken in, with its unit; less than deposits stay bound",
    default: `${DEFAULT_TRUST_PERIOD_HOURS}h`,
  }),
  CONSENSUS_SNAPSHOTS: setting(z.enum(["make", "none"]), {
    description:
      "whether an honor chain's node makes snapshots for its peers, of the heights that the genesis file's snapshotIntervalBlocks divides",
    default: "make",
  }),
  CONSENSUS_CHECKPOINT_INTERVAL: setting(duration, {
    description: "an honor node proposes no earlier than this after the checkpoint before, with its unit",
    default: "250ms",
  }),
  CONSENSUS_JSON_RPC_LISTEN: setting(hostPort, {
    description: "address of the Ethereum JSON-RPC over HTTP and WebSocket, host:port (port 0: any free one)",
    default: "127.0.0.1:8545",
  }),
  CONSENSUS_ENGINE: setting(z.enum(ENGINES), {
    description:
      "what executes transactions: evm is our own, ethereumjs the slow library that it is held against",
    default: "evm",
  }),
  CONSENSUS_MIN_INTERVAL: setting(duration, {
    description: "least time between two checkpoints, with its unit",
    default: "200ms",
  }),
  CONSENSUS_BLOCK_EXECUTION_TIME: setting(duration, {
    description: "a checkpoint takes no further transaction after this execution time, with its unit",
    default: "1s",
  }),
  CONSENSUS_BLOCK_TRANSACTIONS: setting(integer(1, 100_000), {
    description: "most transactions of a checkpoint",
    default: 2_000,
  }),
  CONSENSUS_MEMPOOL_TRANSACTIONS: setting(integer(1, 1_000_000), {
    description: "most transactions that wait",
    default: 10_000,
  }),
  CONSENSUS_MEMPOOL_SIZE: setting(byteSize, {
    description: "most bytes of transactions that wait, with the unit",
    default: "64MiB",
  }),
  CONSENSUS_MEMPOOL_PER_SENDER: setting(integer(1, 1_000_000), {
    description: "most transactions of one sender that wait",
    default: 1_000,
  }),
  CONSENSUS_MEMPOOL_EXPIRY: setting(duration, {
    description: "a transaction that waited this long is dropped, with its unit",
    default: "3h",
  }),
  CONSENSUS_CALL_TIMEOUT: setting(duration, {
    description: "longest run of one eth_call, estimate or trace, with its unit",
    default: "5s",
  }),
  CONSENSUS_RPC_MAX_BODY: setting(byteSize, {
    description: "largest JSON-RPC request, with its unit",
    default: "5MiB",
  }),
  CONSENSUS_RPC_MAX_BATCH: setting(integer(1, 10_000), {
    description: "most requests of one batch",
    default: 1_000,
  }),
  CONSENSUS_RPC_MAX_RESPONSE: setting(byteSize, {
    description: "largest JSON-RPC answer, with its unit",
    default: "25MiB",
  }),
  CONSENSUS_RPC_MAX_CONNECTIONS: setting(integer(1, 100_000), {
    description: "most open JSON-RPC connections",
    default: 512,
  }),
  CONSENSUS_RPC_MAX_LOG_BLOCKS: setting(integer(1, 1_000_000), {
    description: "most blocks that one log query covers",
    default: 10_000,
  }),
});

export type ConsensusSettings = Settings<typeof consensusSettings>;

/** The operator's choices in the terms of the node. */
export function nodeSettings(settings: ConsensusSettings): Partial<NodeSettings> {
  return {
    engine: settings.CONSENSUS_ENGINE,
    keptBlocks:
      settings.CONSENSUS_HISTORY === "pruned" ? settings.CONSENSUS_HISTORY_BLOCKS : Number.POSITIVE_INFINITY,
    minIntervalMs: settings.CONSENSUS_MIN_INTERVAL,
    maxBlockExecutionMs: settings.CONSENSUS_BLOCK_EXECUTION_TIME,
    maxTransactionsPerBlock: settings.CONSENSUS_BLOCK_TRANSACTIONS,
    maxTransactions: settings.CONSENSUS_MEMPOOL_TRANSACTIONS,
    maxTotalBytes: settings.CONSENSUS_MEMPOOL_SIZE,
    maxPerSender: settings.CONSENSUS_MEMPOOL_PER_SENDER,
    maxNonceGap: settings.CONSENSUS_MEMPOOL_PER_SENDER,
    expiryMs: settings.CONSENSUS_MEMPOOL_EXPIRY,
    callTimeoutMs: settings.CONSENSUS_CALL_TIMEOUT,
    maxBodyBytes: settings.CONSENSUS_RPC_MAX_BODY,
    maxBatch: settings.CONSENSUS_RPC_MAX_BATCH,
    maxResponseBytes: settings.CONSENSUS_RPC_MAX_RESPONSE,
    maxConnections: settings.CONSENSUS_RPC_MAX_CONNECTIONS,
    maxLogBlocks: settings.CONSENSUS_RPC_MAX_LOG_BLOCKS,
  };
}

/**
 * What an honor chain's node is started with; undefined for a single producer. Throws `honor-settings-missing`,
 * `invalid-checkpoint-interval`, and `invalid-node-home` for a key file.
 */
export async function honorOptions(settings: ConsensusSettings): Promise<HonorOptions | undefined> {
  if (settings.CONSENSUS_MODE === "single") return undefined;
  if (settings.CONSENSUS_NODE_KEY_FILE === undefined)
    throw new CodedError({
      code: "honor-settings-missing",
      kind: "invalid",
      field: "CONSENSUS_NODE_KEY_FILE",
      message: "CONSENSUS_MODE=honor needs CONSENSUS_NODE_KEY_FILE, the key that peers know this node by.",
    });
  const checkpointIntervalMs = settings.CONSENSUS_CHECKPOINT_INTERVAL;
  if (!leavesTimeToPropose({ checkpointIntervalMs }))
    throw new CodedError({
      code: "invalid-checkpoint-interval",
      kind: "invalid",
      field: "CONSENSUS_CHECKPOINT_INTERVAL",
      message: `CONSENSUS_CHECKPOINT_INTERVAL must be less than ${defaultHonorSettings.proposeMs} ms: the others give a leader's round up after that time.`,
    });
  const operatorKey = settings.CONSENSUS_OPERATOR_KEY_FILE;
  return {
    operatorSecret: operatorKey === undefined ? undefined : await readSecret(operatorKey),
    ...(await readNodeKeys(settings.CONSENSUS_NODE_KEY_FILE, settings.CONSENSUS_SEAT_KEY_FILE)),
    listen: settings.CONSENSUS_PEER_LISTEN,
    peers: settings.CONSENSUS_PEERS,
    archive: settings.CONSENSUS_HISTORY === "archive",
    sync: settings.CONSENSUS_SYNC,
    ...(settings.CONSENSUS_TRUSTED_CHECKPOINT === undefined
      ? {}
      : { trustedCheckpoint: settings.CONSENSUS_TRUSTED_CHECKPOINT }),
    trustPeriodMs: settings.CONSENSUS_TRUST_PERIOD,
    makesSnapshots: settings.CONSENSUS_SNAPSHOTS === "make",
    settings: { checkpointIntervalMs },
  };
}
