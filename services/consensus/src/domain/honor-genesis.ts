import { type ChainTimeParameters, DEFAULT_CHAIN_TIME } from "@aios/core-committee/chain-time";
import {
  groupCount,
  type HonorMember,
  type HonorSet,
  isSetSize,
  requireHonorSet,
} from "@aios/core-committee/honor-set";
import { verifyPossession } from "@aios/core-finality/bls-signatures";
import { requireSafeK } from "@aios/core-ghostdag/anticone-bound";
import type { GhostdagParameters } from "@aios/core-ghostdag/ghostdag-parameters";
import { toHex } from "@aios/core-rlp/hex";
import { isCodedError } from "@aios/kernel/coded-error";
import type { Address } from "@aios/kernel/identifiers";
import { address } from "@aios/kernel/identifiers";
import { invalidGenesis } from "./errors.js";
import { bytes, decimal, integer, onlyFields, record } from "./genesis-fields.js";

/** The part of genesis that says who makes blocks and votes, and when. */
export interface HonorGenesis {
  readonly time: ChainTimeParameters;
  readonly ghostdag: GhostdagParameters;
  readonly set: HonorSet;
  /** Seats to fill once enough candidates stand; those of the genesis set unless given. */
  readonly seats: number;
  readonly minimumStakeWei: bigint;
  readonly sizes: ChainSizes;
  /** Nodes may begin after heights that this divides. */
  readonly snapshotInterval: number;
  /** The contract in which candidates stand; absent: the set stays as it is. */
  readonly stakingContract?: Address;
}

/** What decides which transactions and blocks are valid and what of an order an EVM block holds: the same on every node. */
export interface ChainSizes {
  readonly maxTransactionBytes: number;
  /** Of the transactions in a block of the DAG. */
  readonly maxDagBlockBytes: number;
  /** RLP size of an EVM block. */
  readonly maxBlockBytes: number;
}

export const DEFAULT_CHAIN_SIZES: ChainSizes = {
  maxTransactionBytes: 128 * 1_024,
  maxDagBlockBytes: 1_048_576,
  maxBlockBytes: 8 * 1_024 * 1_024 - 2 * 1_024,
};

const FIELDS = [
  "genesisTimeMs",
  "tickMs",
  "ticksPerSlot",
  "slotsPerEpoch",
  "epochsPerCycle",
  "k",
  "maxDelayMs",
  "mergeDepth",
  "pruningDepth",
  "seats",
  "minimumStakeWei",
  "stakingContract",
  "maxTransactionBytes",
  "maxDagBlockBytes",
  "maxBlockBytes",
  "snapshotIntervalBlocks",
  "members",
] as const;
const PUBLIC_KEY_BYTES = 48;
const POSSESSION_BYTES = 96;
/** δ: so rarely may an honest block have more than k blocks beside it. */
const MAX_EXCESS_PROBABILITY = 0.01;
const LIMITS = { maxParents: 16, maxMergeset: 500 };
const DEFAULT_MERGE_DEPTH = 5_000;
const MAX_MERGE_DEPTH = 1_000_000;
export const DEFAULT_SNAPSHOT_INTERVAL = 1_000;
const MAX_SNAPSHOT_INTERVAL = 1_000_000;
const MIN_TRANSACTION_BYTES = 1_024;
/** An EVM block beside its transactions, at most. */
const HEADER_BYTES = 2_048;
/** Such a block, with what each of its transactions adds on the wire, fits the smallest frame that a node may be set to. */
const MOST_DAG_BLOCK_BYTES = 3 * 1_024 * 1_024;
const MAX_SEATS = 201;

/**
 * Reads the honor part of a genesis file. Throws `invalid-genesis` naming the field: for a set of a wrong size, a key without
 * a proof of possession, and a k that is unsafe for the rate and delay.
 */
export function parseHonorGenesis(json: unknown): HonorGenesis {
  const root = record(json, "honor");
  onlyFields(root, FIELDS, "honor");
  const whole = (field: (typeof FIELDS)[number], most: number, otherwise: number): number =>
    integer(root[field] ?? otherwise, `honor.${field}`, 1, most);
  const time: ChainTimeParameters = {
    genesisTimeMs: integer(root["genesisTimeMs"], "honor.genesisTimeMs", 0, 2 ** 45),
    tickMs: whole("tickMs", 60_000, DEFAULT_CHAIN_TIME.tickMs),
    ticksPerSlot: whole("ticksPerSlot", 1_000, DEFAULT_CHAIN_TIME.ticksPerSlot),
    slotsPerEpoch: whole("slotsPerEpoch", 100_000, DEFAULT_CHAIN_TIME.slotsPerEpoch),
    epochsPerCycle: whole("epochsPerCycle", 100_000, DEFAULT_CHAIN_TIME.epochsPerCycle),
  };
  const set = parseSet(root["members"]);
  const k = integer(root["k"] ?? 3, "honor.k", 0, 1_000);
  const seats = integer(root["seats"] ?? set.members.length, "honor.seats", set.members.length, MAX_SEATS);
  if (!isSetSize(seats)) throw invalidGenesis("honor.seats", "must be a multiple of three from 6 up, or 4");
  const rates = [seats, set.members.length].map((size) => (size / groupCount(size) / time.tickMs) * 1_000);
  const blocksPerSecond = Math.max(...rates);
  const maxDelayMs = integer(root["maxDelayMs"], "honor.maxDelayMs", 1, 60_000);
  refused("honor.k", () =>
    requireSafeK(k, { blocksPerSecond, maxDelayMs, maxExcessProbability: MAX_EXCESS_PROBABILITY }),
  );
  const mergeDepth = whole("mergeDepth", MAX_MERGE_DEPTH, DEFAULT_MERGE_DEPTH);
  // Twice the depth, and a rotation more: what a block may merge, and whose duty that was, is judged by blocks that are held.
  const rotationBlocks = groupCount(seats) === 1 ? 0 : seats * time.ticksPerSlot;
  const leastPruningDepth = mergeDepth + Math.max(mergeDepth, rotationBlocks);
  const pruningDepth = integer(
    root["pruningDepth"] ?? leastPruningDepth,
    "honor.pruningDepth",
    leastPruningDepth,
    10 * MAX_MERGE_DEPTH,
  );
  const minimumStakeWei = decimal(root["minimumStakeWei"] ?? "0", "honor.minimumStakeWei");
  const stakingContract = root["stakingContract"];
  return {
    time,
    ghostdag: { k, ...LIMITS, mergeDepth, pruningDepth },
    set,
    seats,
    minimumStakeWei,
    sizes: parseSizes(root),
    snapshotInterval: whole("snapshotIntervalBlocks", MAX_SNAPSHOT_INTERVAL, DEFAULT_SNAPSHOT_INTERVAL),
    ...(stakingContract === undefined
      ? {}
      : { stakingContract: address(stakingContract, "honor.stakingContract") }),
  };
}

/** Each holds the one before: else a transaction could be admitted that no block takes. */
function parseSizes(root: Readonly<Record<string, unknown>>): ChainSizes {
  const size = (field: keyof ChainSizes, least: number, most: number): number =>
    integer(root[field] ?? DEFAULT_CHAIN_SIZES[field], `honor.${field}`, least, most);
  const { maxBlockBytes: mostBlockBytes } = DEFAULT_CHAIN_SIZES;
  const maxTransactionBytes = size("maxTransactionBytes", MIN_TRANSACTION_BYTES, MOST_DAG_BLOCK_BYTES);
  const maxDagBlockBytes = size("maxDagBlockBytes", maxTransactionBytes, MOST_DAG_BLOCK_BYTES);
  // What EIP-7934 allows less the header is also the most that a chain may choose.
  const maxBlockBytes = size("maxBlockBytes", maxTransactionBytes + HEADER_BYTES, mostBlockBytes);
  return { maxTransactionBytes, maxDagBlockBytes, maxBlockBytes };
}

function parseSet(json: unknown): HonorSet {
  if (!Array.isArray(json)) throw invalidGenesis("honor.members", "must be a list");
  const members = json.map((item: unknown, index): HonorMember => {
    const field = `honor.members.${index}`;
    const entry = record(item, field);
    onlyFields(entry, ["account", "publicKey", "proofOfPossession"], field);
    const publicKey = exactly(entry["publicKey"], `${field}.publicKey`, PUBLIC_KEY_BYTES);
    const proof = exactly(entry["proofOfPossession"], `${field}.proofOfPossession`, POSSESSION_BYTES);
    if (!verifyPossession(publicKey, proof))
      throw invalidGenesis(`${field}.proofOfPossession`, "does not show that the secret key is known");
    return { account: address(entry["account"], `${field}.account`), publicKey: toHex(publicKey).slice(2) };
  });
  const set = { number: 0, members };
  refused("honor.members", () => requireHonorSet(set));
  return set;
}

function exactly(value: unknown, field: string, length: number): Uint8Array {
  const out = bytes(value, field);
  if (out.length !== length) throw invalidGenesis(field, `must have ${length} bytes`);
  return out;
}

function refused(field: string, check: () => void): void {
  try {
    check();
  } catch (error) {
    if (!isCodedError(error)) throw error;
    throw invalidGenesis(field, `is refused: ${error.message.replace(/\.$/, "")}`);
  }
}
