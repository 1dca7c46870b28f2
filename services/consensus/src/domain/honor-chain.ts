import type { StandingCandidate } from "@aios/core-honor-node/node-protocol";
import type { ChainSettings } from "@aios/core-honor-node/node-settings";
import { bytesToBigint, toHex, word } from "@aios/core-rlp/hex";
import type { Address, Bytes32 } from "@aios/kernel/identifiers";
import { sha256 } from "@noble/hashes/sha2";
import { utf8ToBytes } from "@noble/hashes/utils";
import { invalidGenesis } from "./errors.js";
import type { Genesis } from "./genesis.js";
import {
  type ChainSizes,
  DEFAULT_CHAIN_SIZES,
  DEFAULT_SNAPSHOT_INTERVAL,
  type HonorGenesis,
} from "./honor-genesis.js";
import { CHAIN_DIGEST_SLOT, stakedNodes } from "./staking-state.js";
import type { StateView } from "./state.js";

const MAX_BLOCKS_PER_CHECKPOINT = 1_000;
const REPUTATION_WINDOW = 1_000;
/** The most that a node may let others' clocks be ahead. */
export const MAX_CLOCK_TOLERANCE_MS = 5_000;
const HYSTERESIS_BPS = 500;
const IMMUNITY_CYCLES = 2;

/** What the state says about a chain with a staking contract. */
export interface StakingStart {
  /** 64 hex digits: what the contract keeps of the chain's name. */
  readonly digest: string;
  /** Who stands at the first block; nobody asks for it later. */
  readonly candidates: readonly StandingCandidate[];
}

/**
 * What all honor nodes agree on. Its chain id is part of everything that is signed; it commits to the genesis block and
 * the honor part of the genesis file, so that nothing said on one chain counts on another. `staking`: of a chain with a
 * staking contract, for which `requireStakingGenesis` held when its first block was made.
 */
export function honorChainSettings(
  chainId: number,
  honor: HonorGenesis,
  genesisBlock: { readonly hash: Bytes32; readonly stateRoot: Bytes32; readonly gasLimit: bigint },
  staking?: StakingStart,
): ChainSettings {
  const { time, ghostdag, set, seats, minimumStakeWei, sizes, snapshotInterval } = honor;
  return {
    chainId: `aios:${chainId}:${staking?.digest ?? digestOf(honor, genesisBlock.hash)}`,
    time,
    ghostdag,
    genesisSet: set,
    genesis: { root: genesisBlock.stateRoot.slice(2), candidates: staking?.candidates ?? [] },
    electionRules: {
      seats,
      minimumStakeWei,
      hysteresisBps: HYSTERESIS_BPS,
      immunityCycles: IMMUNITY_CYCLES,
    },
    maxBlockBytes: sizes.maxDagBlockBytes,
    maxBlockGas: Number(genesisBlock.gasLimit),
    maxBlocksPerCheckpoint: MAX_BLOCKS_PER_CHECKPOINT,
    reputationWindow: REPUTATION_WINDOW,
    maxClockToleranceMs: MAX_CLOCK_TOLERANCE_MS,
    snapshotInterval,
  };
}

function digestOf(
  { time, ghostdag, set, minimumStakeWei, sizes, seats, snapshotInterval }: HonorGenesis,
  genesisBlock: Bytes32,
): string {
  const content = JSON.stringify([
    genesisBlock,
    time,
    ghostdag,
    set,
    minimumStakeWei.toString(),
    ...chosenSizes(sizes),
    ...(seats === set.members.length ? [] : [{ seats }]),
    ...chosenInterval(snapshotInterval),
  ]);
  return toHex(sha256(utf8ToBytes(`aios.honor-genesis.v1\n${content}`))).slice(2);
}

/**
 * What the name of a chain with a staking contract ends with, 64 hex digits. The contract keeps it to judge evidence, so
 * that the genesis block depends on it: it commits to all that the block is made of but that one slot, accounts and slots in
 * the order of the file.
 */
export function honorDigest(genesis: Genesis, honor: HonorGenesis): string {
  const { chainId, hardfork, timestamp, gasLimit, baseFeePerGas, minimumBaseFeePerGas, feeRecipient } =
    genesis;
  const rules = [
    [
      chainId,
      hardfork,
      timestamp,
      `${gasLimit}`,
      `${baseFeePerGas}`,
      `${minimumBaseFeePerGas}`,
      feeRecipient,
    ],
    genesis.baseFeeShares.map(({ address: recipient, shareBps }) => [recipient, shareBps]),
    [honor.time, honor.ghostdag, honor.set, honor.seats, `${honor.minimumStakeWei}`, honor.sizes],
    ...chosenInterval(honor.snapshotInterval),
    honor.stakingContract,
  ];
  const hash = sha256.create().update(utf8ToBytes(`aios.honor-genesis.v2\n${JSON.stringify(rules)}`));
  for (const [owner, { balance, nonce, code, storage }] of genesis.alloc) {
    let line = `\n${owner} ${balance.toString(16)} ${nonce.toString(16)} ${toHex(code)}`;
    for (const [slot, value] of storage)
      if (owner !== honor.stakingContract || slot !== CHAIN_DIGEST_SLOT) line += ` ${slot}=${toHex(value)}`;
    hash.update(utf8ToBytes(line));
  }
  return toHex(hash.digest()).slice(2);
}

/** Checks that the staking contract of a genesis is made for it. Throws `invalid-genesis`. */
export function requireStakingGenesis(genesis: Genesis): void {
  const { honor } = genesis;
  if (honor?.stakingContract === undefined) return;
  let kept = new Uint8Array(0);
  for (const [owner, { storage }] of genesis.alloc)
    if (owner === honor.stakingContract) kept = Uint8Array.from(storage.get(CHAIN_DIGEST_SLOT) ?? []);
  if (bytesToBigint(kept) === BigInt(`0x${honorDigest(genesis, honor)}`)) return;
  throw invalidGenesis("honor.stakingContract", "is not there, or made for another chain");
}

/** Reads what the state says about the staking contract. `isFirst`: whether it is the state of block 0. */
export function stakingStart(
  state: Pick<StateView, "storage">,
  contract: Address,
  isFirst: boolean,
): StakingStart {
  const digest = toHex(word(bytesToBigint(state.storage(contract, CHAIN_DIGEST_SLOT)))).slice(2);
  return { digest, candidates: isFirst ? stakedNodes(state, contract) : [] };
}

/** As `chosenSizes`. */
function chosenInterval(snapshotInterval: number): readonly { readonly snapshotInterval: number }[] {
  return snapshotInterval === DEFAULT_SNAPSHOT_INTERVAL ? [] : [{ snapshotInterval }];
}

/** Sizes that a chain chose for itself: one that did not has the id that it had before they could be chosen. */
function chosenSizes(sizes: ChainSizes): readonly ChainSizes[] {
  const names = Object.keys(DEFAULT_CHAIN_SIZES) as (keyof ChainSizes)[];
  return names.every((name) => sizes[name] === DEFAULT_CHAIN_SIZES[name]) ? [] : [sizes];
}
