import {
  type ChainSnapshot,
  type ProvenSnapshot,
  proveSnapshot,
  type SnapshotTrust,
} from "@aios/core-honor-node/chain-snapshot";
import type { ChainSettings } from "@aios/core-honor-node/node-settings";
import { decodeSnapshot, encodeSnapshot } from "@aios/core-honor-node/snapshot-codec";
import { snapshotInvalid } from "@aios/core-honor-node/snapshot-fault";
import { keccak256 } from "@aios/core-keccak/keccak";
import { equalBytes, fromHex } from "@aios/core-rlp/hex";
import { decodeRlp, encodeRlp, rlpBytes, rlpList } from "@aios/core-rlp/rlp";
import { provenValue } from "@aios/core-trie/merkle-proof";
import { address, type Bytes32 } from "@aios/kernel/identifiers";
import type { BlockHeader } from "./block.js";
import { decodeHeader, encodeHeader } from "./block-codec.js";
import type { Genesis } from "./genesis.js";
import { honorChainSettings, type StakingStart } from "./honor-chain.js";
import { reading } from "./snapshot-index.js";
import { decodeAccount } from "./state-commitment.js";

/** Keeps the hashes of the last blocks in the state (EIP-2935). */
export const HISTORY_CONTRACT = address("0x0000f90827f1c53a10cb7a02335b175320002935");
const HISTORY_WINDOW = 8_191;
/** Hashes that contracts may ask for, and one to begin with. */
export const SNAPSHOT_HEADERS = 257;
const MAX_DEPTH = 9;

/** What goes before the state in a snapshot. */
export interface SnapshotChain {
  readonly chain: ChainSnapshot;
  readonly genesisHeader: BlockHeader;
  /** The last ones up to the snapshot's height. */
  readonly headers: readonly BlockHeader[];
  /** That the state after the next block names the last header: the proofs of the account and of its slot. */
  readonly accountProof: readonly Uint8Array[];
  readonly slotProof: readonly Uint8Array[];
}

/** The slot in which the state keeps the hash of a block. */
export function historySlot(height: number): Bytes32 {
  return `0x${(height % HISTORY_WINDOW).toString(16).padStart(64, "0")}` as Bytes32;
}

export function encodeSnapshotChain(snapshot: SnapshotChain): Uint8Array {
  return encodeRlp([
    encodeSnapshot(snapshot.chain),
    encodeHeader(snapshot.genesisHeader),
    snapshot.headers.map(encodeHeader),
    snapshot.accountProof,
    snapshot.slotProof,
  ]);
}

/** Inverse of `encodeSnapshotChain`. Throws `invalid-snapshot`. */
export function decodeSnapshotChain(bytes: Uint8Array): SnapshotChain {
  return reading("chain", () => {
    const fields = rlpList(decodeRlp(bytes, MAX_DEPTH));
    if (fields.length !== 5) throw snapshotInvalid("chain");
    const listOf = (at: number): Uint8Array[] => rlpList(fields[at]).map(rlpBytes);
    return {
      chain: decodeSnapshot(rlpBytes(fields[0])),
      genesisHeader: decodeHeader(rlpBytes(fields[1])),
      headers: listOf(2).map(decodeHeader),
      accountProof: listOf(3),
      slotProof: listOf(4),
    };
  });
}

/** What a snapshot's chain proves: where to go on, and the root that its state has to have. */
export interface ProvenChain extends ProvenSnapshot {
  readonly signingChainId: string;
  readonly genesisHeader: BlockHeader;
  readonly headers: readonly BlockHeader[];
}

/** Of a chain with a staking contract, by the genesis file: the contract keeps the digest to judge evidence. */
export interface FoundedStaking {
  readonly genesisHash: Bytes32;
  readonly start: StakingStart;
}

/**
 * The chain that a snapshot claims to be of, by the genesis file: its name commits to the genesis block, or to all that a
 * genesis block with a staking contract is made of, and that block itself is then the one that this node made.
 * Throws `invalid-snapshot`.
 */
export function chainOfSnapshot(
  { genesisHeader }: SnapshotChain,
  genesis: Pick<Genesis, "chainId" | "honor" | "gasLimit">,
  staking?: FoundedStaking,
): ChainSettings {
  const { honor } = genesis;
  if (honor === undefined) throw snapshotInvalid("genesis");
  if (genesisHeader.number !== 0 || genesisHeader.gasLimit !== genesis.gasLimit)
    throw snapshotInvalid("genesis");
  const isStaking = honor.stakingContract !== undefined;
  if (isStaking !== (staking !== undefined)) throw snapshotInvalid("genesis");
  if (staking !== undefined && genesisHeader.hash !== staking.genesisHash) throw snapshotInvalid("genesis");
  return honorChainSettings(genesis.chainId, honor, genesisHeader, staking?.start);
}

/**
 * Checks that a snapshot is of the chain that is trusted: the sets that follow its first one certify the checkpoints, these
 * attest the state and the DAG, and the state after the next block names the last header. Throws `invalid-snapshot`
 * with the field, and `trust-expired`.
 */
export function proveSnapshotChain(snapshot: SnapshotChain, trust: SnapshotTrust): ProvenChain {
  const { genesisHeader, headers } = snapshot;
  const proven = proveSnapshot(snapshot.chain, trust);
  requireLinkedHeaders(headers, proven);
  reading("headerProof", () => requireNamed(snapshot, headers.at(-1) as BlockHeader, proven));
  return { ...proven, signingChainId: trust.chain.chainId, genesisHeader, headers };
}

function requireLinkedHeaders(headers: readonly BlockHeader[], { height, root }: ProvenSnapshot): void {
  const last = headers.at(-1);
  if (last === undefined || headers.length !== Math.min(SNAPSHOT_HEADERS, height))
    throw snapshotInvalid("headers");
  if (last.number !== height || last.stateRoot.slice(2) !== root) throw snapshotInvalid("headers.last");
  for (const [at, header] of headers.entries()) {
    const before = headers[at - 1];
    if (before !== undefined && (header.parentHash !== before.hash || header.number !== before.number + 1))
      throw snapshotInvalid("headers.link");
  }
}

function requireNamed(
  { accountProof, slotProof }: SnapshotChain,
  last: BlockHeader,
  { nextRoot, height }: ProvenSnapshot,
): void {
  const account = provenValue(fromHex(`0x${nextRoot}`), keccak256(fromHex(HISTORY_CONTRACT)), accountProof);
  if (account === undefined) throw snapshotInvalid("headerProof");
  const { storageRoot } = decodeAccount(account);
  const value = provenValue(fromHex(storageRoot), keccak256(fromHex(historySlot(height))), slotProof);
  if (value === undefined || !equalBytes(padded(rlpBytes(decodeRlp(value))), fromHex(last.hash)))
    throw snapshotInvalid("headerProof");
}

function padded(value: Uint8Array): Uint8Array {
  const out = new Uint8Array(32);
  out.set(value, 32 - value.length);
  return out;
}
