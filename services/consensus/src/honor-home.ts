import { access, readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { MAX_TRANSACTIONS } from "@aios/core-honor-node/packet-codec";
import { CodedError } from "@aios/kernel/coded-error";
import type { Peer } from "@aios/peer-network/peer-network";
import { z } from "zod";
import type { Genesis } from "./domain/genesis.js";
import { MAX_CLOCK_TOLERANCE_MS } from "./domain/honor-chain.js";
import { readGenesis } from "./genesis-file.js";
import {
  DEFAULT_KEPT_BLOCKS,
  DEFAULT_TRUST_PERIOD_HOURS,
  defaultHonorSettings,
  HISTORIES,
  type HonorOptions,
  type HonorSettings,
  LEAST_KEPT_BLOCKS,
  leavesTimeToPropose,
  SYNCS,
} from "./node/honor-options.js";
import type { NodeSettings } from "./node/node-settings.js";

/** Files of a node's home directory. The keys are readable by their owner alone. */
export const HOME_FILES = {
  genesis: "genesis.json",
  node: "node.json",
  /** Secret of the seat, 64 hex digits; absent in a node that follows. */
  seatKey: "seat.key",
  /** Directory of the secrets to which the seat's key was changed: `<public key>.key`, 64 hex digits. */
  seatKeys: "seat-keys",
  /** Secret of the operator's account, which deposits and submits evidence, 64 hex digits. */
  operatorKey: "operator.key",
  /** Ed25519 in PKCS #8. */
  nodeKey: "node.pem",
  data: "data",
} as const;

const port = z.int().min(0).max(65_535);
const address = z.strictObject({ host: z.string().min(1), port });
const between = (least: number, most: number) => z.int().min(least).max(most).optional();
const MIB = 1_048_576;
const HOUR_MS = 3_600_000;
/** The largest block that a chain may have fits the smallest frame: else a node would never see it. */
const settingsSchema = z
  .strictObject({
    checkpointIntervalMs: between(1, 60_000),
    emptyAfterMs: between(1, 600_000),
    gossipMs: between(10, 60_000),
    clockToleranceMs: between(1, MAX_CLOCK_TOLERANCE_MS),
    maxTransactionsPerBlock: between(1, MAX_TRANSACTIONS),
    poolCapacity: between(1, 1_000_000),
    maxWaitingBlocks: between(1, 100_000),
    maxWaitingBytes: between(4 * MIB, 1_024 * MIB),
    proposeMs: between(1, 600_000),
    prevoteMs: between(1, 600_000),
    precommitMs: between(1, 600_000),
    backOffMs: between(1, 600_000),
    maxFrameBytes: between(4 * MIB, 64 * MIB),
    maxQueueBytes: between(4 * MIB, 1_024 * MIB),
    packetsPerSecond: between(100, 1_000_000),
    maxHeldBytes: between(MIB, 4_096 * MIB),
  } satisfies Record<keyof HonorSettings, unknown>)
  .refine(
    ({ maxFrameBytes, maxQueueBytes }) =>
      (maxFrameBytes ?? defaultHonorSettings.maxFrameBytes) <=
      (maxQueueBytes ?? defaultHonorSettings.maxQueueBytes),
    { path: ["maxQueueBytes"], error: "must have room for one frame of maxFrameBytes" },
  )
  .refine(
    ({ checkpointIntervalMs, proposeMs }) =>
      leavesTimeToPropose({
        ...(checkpointIntervalMs === undefined ? {} : { checkpointIntervalMs }),
        ...(proposeMs === undefined ? {} : { proposeMs }),
      }),
    { path: ["checkpointIntervalMs"], error: "must be less than proposeMs" },
  );
const homeSchema = z.strictObject({
  peerListen: address,
  rpcListen: address,
  peers: z
    .array(z.strictObject({ publicKey: z.string().regex(/^[0-9a-f]{64}$/), host: z.string().min(1), port }))
    .max(1_000),
  history: z.enum(HISTORIES).optional(),
  historyBlocks: between(LEAST_KEPT_BLOCKS, 100_000_000),
  sync: z.enum(SYNCS).optional(),
  trustedCheckpoint: z
    .strictObject({ height: z.int().min(1), id: z.string().regex(/^[0-9a-f]{64}$/) })
    .optional(),
  trustPeriodHours: between(1, 100_000),
  snapshots: z.boolean().optional(),
  settings: settingsSchema.optional(),
});

export type NodeFile = z.infer<typeof homeSchema>;

/** Everything that a node of an honor chain is started with. */
export interface HonorHome {
  readonly genesis: Genesis;
  readonly dataDir: string;
  readonly rpcListen: { readonly host: string; readonly port: number };
  readonly honor: HonorOptions;
  readonly settings: Pick<NodeSettings, "keptBlocks">;
}

/** Reads a home directory. Throws `invalid-node-home` naming the file, `genesis-unreadable`, `invalid-genesis`. */
export async function readHonorHome(directory: string): Promise<HonorHome> {
  const file = homeFile(await read(join(directory, HOME_FILES.node)));
  const present = async (name: string): Promise<string | undefined> => {
    const path = join(directory, name);
    return access(path).then(
      () => path,
      () => undefined,
    );
  };
  const operatorKey = await present(HOME_FILES.operatorKey);
  const isArchive = file.history === "archive";
  return {
    settings: {
      keptBlocks: isArchive ? Number.POSITIVE_INFINITY : (file.historyBlocks ?? DEFAULT_KEPT_BLOCKS),
    },
    genesis: await readGenesis(join(directory, HOME_FILES.genesis)),
    dataDir: join(directory, HOME_FILES.data),
    rpcListen: file.rpcListen,
    honor: {
      ...(await readNodeKeys(join(directory, HOME_FILES.nodeKey), await present(HOME_FILES.seatKey))),
      operatorSecret: operatorKey === undefined ? undefined : await readSecret(operatorKey),
      listen: file.peerListen,
      peers: file.peers satisfies readonly Peer[],
      archive: isArchive,
      sync: file.sync ?? "genesis",
      ...(file.trustedCheckpoint === undefined ? {} : { trustedCheckpoint: file.trustedCheckpoint }),
      trustPeriodMs: (file.trustPeriodHours ?? DEFAULT_TRUST_PERIOD_HOURS) * HOUR_MS,
      makesSnapshots: file.snapshots ?? true,
      settings: (file.settings ?? {}) as Partial<HonorSettings>,
    },
  };
}

/** Reads a node's keys. Throws `invalid-node-home` naming the file. */
export async function readNodeKeys(
  nodeKeyFile: string,
  seatKeyFile: string | undefined,
): Promise<Pick<HonorOptions, "blsSecretKey" | "nodeKeyPem" | "seatKeyDirectory">> {
  return {
    nodeKeyPem: await read(nodeKeyFile),
    blsSecretKey: seatKeyFile === undefined ? undefined : await readSecret(seatKeyFile),
    seatKeyDirectory: join(dirname(nodeKeyFile), HOME_FILES.seatKeys),
  };
}

/** Reads a secret of 32 bytes. Throws `invalid-node-home` naming the file. */
export async function readSecret(file: string): Promise<Uint8Array> {
  const digits = (await read(file)).trim();
  if (!/^[0-9a-f]{64}$/.test(digits)) throw invalid(basename(file), "it is not 64 hex digits");
  return Uint8Array.from(Buffer.from(digits, "hex"));
}

function homeFile(text: string): NodeFile {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw invalid(HOME_FILES.node, "it is no JSON", cause);
  }
  const parsed = homeSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw invalid(HOME_FILES.node, z.prettifyError(parsed.error));
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    throw invalid(basename(file), "it cannot be read", cause);
  }
}

function invalid(file: string, why: string, cause?: unknown): CodedError {
  return new CodedError({
    code: "invalid-node-home",
    kind: "invalid",
    field: file,
    message: `The node's file ${file} is not valid: ${why}.`,
    cause,
  });
}
