import { type ChainTimeParameters, DEFAULT_CHAIN_TIME } from "@aios/core-committee/chain-time";
import { groupCount, type HonorMember, type HonorSet, requireHonorSet } from "@aios/core-committee/honor-set";
import { verifyPossession } from "@aios/core-finality/bls-signatures";
import { requireSafeK } from "@aios/core-ghostdag/anticone-bound";
import type { GhostdagParameters } from "@aios/core-ghostdag/ghostdag-parameters";
import type { ChainSettings } from "@aios/core-honor-node/node-settings";
import { toHex } from "@aios/core-rlp/hex";
import { isCodedError } from "@aios/kernel/coded-error";
import type { Bytes32 } from "@aios/kernel/identifiers";
import { address } from "@aios/kernel/identifiers";
import { sha256 } from "@noble/hashes/sha2";
import { utf8ToBytes } from "@noble/hashes/utils";
import { invalidGenesis } from "./errors.js";
import { bytes, decimal, integer, onlyFields, record } from "./genesis-fields.js";

/** The part of genesis that says who makes blocks and votes, and when. */
export interface HonorGenesis {
  readonly time: ChainTimeParameters;
  readonly ghostdag: GhostdagParameters;
  readonly set: HonorSet;
  readonly minimumStakeWei: bigint;
  readonly sizes: ChainSizes;
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
  "minimumStakeWei",
  "maxTransactionBytes",
  "maxDagBlockBytes",
  "maxBlockBytes",
  "members",
] as const;
const PUBLIC_KEY_BYTES = 48;
const POSSESSION_BYTES = 96;
/** δ: so rarely may an honest block have more than k blocks beside it (chain.md "Shape"). */
const MAX_EXCESS_PROBABILITY = 0.01;
const LIMITS = { maxParents: 16, maxMergeset: 500 };
const DEFAULT_MERGE_DEPTH = 5_000;
const MAX_MERGE_DEPTH = 1_000_000;
const MAX_BLOCKS_PER_CHECKPOINT = 1_000;
const REPUTATION_WINDOW = 1_000;
const MIN_TRANSACTION_BYTES = 1_024;
/** An EVM block beside its transactions, at most. */
const HEADER_BYTES = 2_048;
/** Such a block, with what each of its transactions adds on the wire, fits the smallest frame that a node may be set to. */
const MOST_DAG_BLOCK_BYTES = 3 * 1_024 * 1_024;
const HYSTERESIS_BPS = 500;
const IMMUNITY_CYCLES = 2;

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
  const size = set.members.length;
  const blocksPerSecond = (size / groupCount(size) / time.tickMs) * 1_000;
  const maxDelayMs = integer(root["maxDelayMs"], "honor.maxDelayMs", 1, 60_000);
  refused("honor.k", () =>
    requireSafeK(k, { blocksPerSecond, maxDelayMs, maxExcessProbability: MAX_EXCESS_PROBABILITY }),
  );
  const mergeDepth = whole("mergeDepth", MAX_MERGE_DEPTH, DEFAULT_MERGE_DEPTH);
  // Twice the depth: what a block may merge is then judged by blocks that are held.
  const pruningDepth = integer(
    root["pruningDepth"] ?? 2 * mergeDepth,
    "honor.pruningDepth",
    2 * mergeDepth,
    10 * MAX_MERGE_DEPTH,
  );
  const minimumStakeWei = decimal(root["minimumStakeWei"] ?? "0", "honor.minimumStakeWei");
  return {
    time,
    ghostdag: { k, ...LIMITS, mergeDepth, pruningDepth },
    set,
    minimumStakeWei,
    sizes: parseSizes(root),
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

/** Sizes that a chain chose for itself: one that did not has the id that it had before they could be chosen. */
function chosenSizes(sizes: ChainSizes): readonly ChainSizes[] {
  const names = Object.keys(DEFAULT_CHAIN_SIZES) as (keyof ChainSizes)[];
  return names.every((name) => sizes[name] === DEFAULT_CHAIN_SIZES[name]) ? [] : [sizes];
}

/**
 * What all honor nodes agree on. Its chain id is part of everything that is signed; it commits to the genesis block and
 * the honor part of the genesis file, so that nothing said on one chain counts on another.
 */
export function honorChainSettings(
  chainId: number,
  honor: HonorGenesis,
  genesisBlock: { readonly hash: Bytes32; readonly stateRoot: Bytes32; readonly gasLimit: bigint },
): ChainSettings {
  const { time, ghostdag, set, minimumStakeWei, sizes } = honor;
  const content = JSON.stringify([
    genesisBlock.hash,
    time,
    ghostdag,
    set,
    minimumStakeWei.toString(),
    ...chosenSizes(sizes),
  ]);
  const digest = toHex(sha256(utf8ToBytes(`aios.honor-genesis.v1\n${content}`))).slice(2);
  return {
    chainId: `aios:${chainId}:${digest}`,
    time,
    ghostdag,
    genesisSet: set,
    genesis: { root: genesisBlock.stateRoot.slice(2), candidates: [] },
    electionRules: {
      seats: set.members.length,
      minimumStakeWei,
      hysteresisBps: HYSTERESIS_BPS,
      immunityCycles: IMMUNITY_CYCLES,
    },
    maxBlockBytes: sizes.maxDagBlockBytes,
    maxBlockGas: Number(genesisBlock.gasLimit),
    maxBlocksPerCheckpoint: MAX_BLOCKS_PER_CHECKPOINT,
    reputationWindow: REPUTATION_WINDOW,
  };
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
