import type { ExecutionResult, StandingCandidate } from "@aios/core-honor-node/node-protocol";
import { keccak256 } from "@aios/core-keccak/keccak";
import { bytes32Of, bytesToBigint, concat, fromHex, toHex, word } from "@aios/core-rlp/hex";
import type { Address, Bytes32 } from "@aios/kernel/identifiers";
import type { StateView } from "./state.js";

/** Where `HonorStaking.sol` keeps what honor nodes read; a test holds it against what the contract answers. */
const SLOTS = { chainDigest: 1n, nodes: 5n, isConvicted: 7n, members: 8n } as const;
/** Within a node's record. */
const DEPOSIT = 0n;
const PUBLIC_KEY = 1n;
const STATUS = 2n;
const NODE_KEY = 3n;
const ENDPOINT = 4n;
const NODE_KEY_SIGNATURE = 5n;
/** Longer ones are not the contract's. */
const MAX_ENDPOINT_BYTES = 261;
const PUBLIC_KEY_BYTES = 48;
/** The lowest 64 bits of the status: when an unbonding node may take its deposit out; the next 8: whether it is jailed. */
const UNBONDED_AT_MASK = 2n ** 64n - 1n;
const JAILED_SHIFT = 64n;
const WORD_BYTES = 32;
const WORD_RANGE = 2n ** 256n;

type Storage = Pick<StateView, "storage">;

/** The slot in which the staking contract keeps what the name of its chain ends with. */
export const CHAIN_DIGEST_SLOT = slot(SLOTS.chainDigest);

/** A candidate, and where its node is found. */
export interface StakedNode extends StandingCandidate {
  /** Name among peers, 64 hex digits. */
  readonly nodeKey: string;
  /** 128 hex digits, which may be no signature of that key. */
  readonly nodeKeySignature: string;
  /** What its operator says, host:port; may be empty or nonsense. */
  readonly endpoint: string;
}

/** What an executed height led to: its root, and who stands for the honor set, with where their nodes are found. */
export interface StakedState extends ExecutionResult {
  readonly candidates: readonly StakedNode[];
}

/** Everybody who stands for the honor set in a state, in the contract's order. Cost: eleven slots for each. */
export function stakedNodes(state: Storage, contract: Address): StakedNode[] {
  const read = (at: bigint): bigint => bytesToBigint(state.storage(contract, slot(at)));
  const first = numberOf(keccak256(word(SLOTS.members)));
  return Array.from({ length: Number(read(SLOTS.members)) }, (_, index): StakedNode => {
    const account = toHex(word(read(first + BigInt(index))).subarray(WORD_BYTES - 20));
    const base = recordOf(account);
    const key = numberOf(keccak256(word((base + PUBLIC_KEY) % WORD_RANGE)));
    const publicKey = concat(word(read(key)), word(read(key + 1n))).subarray(0, PUBLIC_KEY_BYTES);
    const depositWei = read(base + DEPOSIT);
    const status = read(base + STATUS);
    return {
      account,
      publicKey: toHex(publicKey).slice(2),
      controller: account,
      stakeWei: depositWei,
      score: depositWei,
      nodeKey: toHex(word(read(base + NODE_KEY))).slice(2),
      nodeKeySignature: toHex(
        concat(word(read(base + NODE_KEY_SIGNATURE)), word(read(base + NODE_KEY_SIGNATURE + 1n))),
      ).slice(2),
      endpoint: textAt(read, base + ENDPOINT),
      isSuspended: (status & UNBONDED_AT_MASK) !== 0n || ((status >> JAILED_SHIFT) & 0xffn) !== 0n,
    };
  });
}

/** A string as Solidity stores it: short ones in their slot, long ones from the slot's hash on. */
function textAt(read: (at: bigint) => bigint, at: bigint): string {
  const head = read(at);
  if ((head & 1n) === 0n) return text(word(head).subarray(0, Number(head & 0xffn) / 2));
  const length = Math.min(Number((head - 1n) / 2n), MAX_ENDPOINT_BYTES);
  const first = numberOf(keccak256(word(at % WORD_RANGE)));
  const words = Array.from({ length: Math.ceil(length / WORD_BYTES) }, (_, index) =>
    word(read(first + BigInt(index))),
  );
  return text(concat(...words).subarray(0, length));
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** What became of an account that can be proven guilty: it still has a deposit to lose, has lost it, or is not there. */
export function standingOf(
  state: Storage,
  contract: Address,
  account: string,
): "deposited" | "convicted" | "absent" {
  if (state.storage(contract, mapped(account, SLOTS.isConvicted)).length > 0) return "convicted";
  return state.storage(contract, slot(recordOf(account) + PUBLIC_KEY)).length > 0 ? "deposited" : "absent";
}

function recordOf(account: string): bigint {
  return numberOf(fromHex(mapped(account, SLOTS.nodes)));
}

/** Slot of an account's entry in a mapping. */
function mapped(account: string, mapping: bigint): Bytes32 {
  return bytes32Of(keccak256(concat(word(BigInt(account)), word(mapping))));
}

function slot(at: bigint): Bytes32 {
  return bytes32Of(word(at % WORD_RANGE));
}

function numberOf(bytes: Uint8Array): bigint {
  return bytesToBigint(bytes);
}
