import { keccak256 } from "@aios/core-keccak/keccak";
import { bigintToBytes, bytes32Of, bytesToBigint, equalBytes, fromHex } from "@aios/core-rlp/hex";
import {
  decodeRlp,
  encodeRlp,
  rlpBytes,
  rlpHeaderLength,
  rlpLength,
  rlpList,
  writeRlpBytes,
  writeRlpListHeader,
} from "@aios/core-rlp/rlp";
import { EMPTY_CODE_HASH, EMPTY_TRIE_ROOT } from "@aios/core-trie/empty-hashes";
import { MerklePatriciaTrie, type NodeSource } from "@aios/core-trie/merkle-patricia-trie";
import { NewNodes } from "@aios/core-trie/new-nodes";
import type { NextPlace } from "@aios/core-trie/node-encoder";
import { SlabWriter } from "@aios/core-trie/slab";
import type { TrieCache } from "@aios/core-trie/trie-cache";
import { CodedError } from "@aios/kernel/coded-error";
import type { Address, Bytes32 } from "@aios/kernel/identifiers";
import type { AccountProof, AccountState, StateChanges } from "./state.js";

const NOTHING = new Uint8Array(0);
const HASH_ITEM_BYTES = 33;
const ACCOUNT_FIELDS = 4;

export const EMPTY_ACCOUNT: AccountState = {
  nonce: 0n,
  balance: 0n,
  storageRoot: EMPTY_TRIE_ROOT,
  codeHash: EMPTY_CODE_HASH,
};

// Nearly every account has neither code nor storage.
const NO_CODE = fromHex(EMPTY_CODE_HASH);
const NO_STORAGE = fromHex(EMPTY_TRIE_ROOT);

const fresh = (bytes: number): Uint8Array => new Uint8Array(bytes);

/** The account as the state trie holds it (yellow paper 4.1), in bytes that `allocate` gives. */
export function encodeAccount(
  { nonce, balance, storageRoot, codeHash }: AccountState,
  allocate: (bytes: number) => Uint8Array = fresh,
): Uint8Array {
  const nonceBytes = bigintToBytes(nonce);
  const balanceBytes = bigintToBytes(balance);
  const payload = rlpLength(nonceBytes) + rlpLength(balanceBytes) + 2 * HASH_ITEM_BYTES;
  const out = allocate(rlpHeaderLength(payload) + payload);
  let at = writeRlpListHeader(out, 0, payload);
  at = writeRlpBytes(out, at, nonceBytes);
  at = writeRlpBytes(out, at, balanceBytes);
  at = writeRlpBytes(out, at, storageRoot === EMPTY_TRIE_ROOT ? NO_STORAGE : fromHex(storageRoot));
  writeRlpBytes(out, at, codeHash === EMPTY_CODE_HASH ? NO_CODE : fromHex(codeHash));
  return out;
}

/** Throws `malformed-rlp`, also where it is not a list of four byte strings. */
export function decodeAccount(rlp: Uint8Array): AccountState {
  const items = rlpList(decodeRlp(rlp));
  if (items.length !== ACCOUNT_FIELDS) throw malformedAccount(items.length);
  const [nonce, balance, storageRoot, codeHash] = items.map(rlpBytes) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  return {
    nonce: bytesToBigint(nonce),
    balance: bytesToBigint(balance),
    storageRoot: equalBytes(storageRoot, NO_STORAGE) ? EMPTY_TRIE_ROOT : bytes32Of(storageRoot),
    codeHash: equalBytes(codeHash, NO_CODE) ? EMPTY_CODE_HASH : bytes32Of(codeHash),
  };
}

function malformedAccount(fields: number): CodedError {
  return new CodedError({
    code: "malformed-rlp",
    kind: "invalid",
    message: `An account has four fields, not ${fields}.`,
  });
}

/** The part of a state that the trie holds; code comes from elsewhere. Slow: a walk per read. */
export class TrieState {
  readonly #accounts: MerklePatriciaTrie;

  constructor(
    root: Bytes32,
    private readonly load: NodeSource,
  ) {
    this.#accounts = new MerklePatriciaTrie(root, load);
  }

  account(address: Address): AccountState | undefined {
    const rlp = this.#accounts.get(keccak256(fromHex(address)));
    return rlp === undefined ? undefined : decodeAccount(rlp);
  }

  storage(address: Address, slot: Bytes32): Uint8Array {
    const account = this.account(address);
    if (account === undefined || account.storageRoot === EMPTY_TRIE_ROOT) return new Uint8Array(0);
    const rlp = new MerklePatriciaTrie(account.storageRoot, this.load).get(keccak256(fromHex(slot)));
    return rlp === undefined ? new Uint8Array(0) : rlpBytes(decodeRlp(rlp));
  }

  proof(address: Address, slots: readonly Bytes32[]): AccountProof {
    const account = this.account(address) ?? EMPTY_ACCOUNT;
    const storage = new MerklePatriciaTrie(account.storageRoot, this.load);
    return {
      account,
      accountProof: this.#accounts.proof(keccak256(fromHex(address))),
      storageProof: slots.map((slot) => {
        const key = keccak256(fromHex(slot));
        const value = storage.get(key);
        return {
          slot,
          value: value === undefined ? new Uint8Array(0) : rlpBytes(decodeRlp(value)),
          proof: storage.proof(key),
        };
      }),
    };
  }
}

/** Tries by their roots. */
export type Tries = ReadonlyMap<Bytes32, MerklePatriciaTrie>;

export interface StateCommitment {
  readonly root: Bytes32;
  /** With every account's storage root filled in. */
  readonly changes: StateChanges;
  /** Those that others lead to come before them. */
  readonly trieNodes: NewNodes;
  /** Every trie that changed: others may read them once their nodes are stored, since nobody else has these nodes' places. */
  readonly tries: Tries;
}

/** Accounts between two steps: about a millisecond. */
const STEP_ACCOUNTS = 128;

/**
 * Applies changes to the state trie and hashes it once. Writes nothing, and leaves the cache as it is. Cost: a walk and a
 * hash per changed account and slot, and a hash per branch above them.
 */
export function commitState(
  parentRoot: Bytes32,
  tries: Pick<TrieCache, "open">,
  changes: StateChanges,
  nextPlace?: NextPlace,
): StateCommitment {
  const steps = commitStateSteps(parentRoot, tries, changes, nextPlace);
  let step = steps.next();
  while (step.done !== true) step = steps.next();
  return step.value;
}

/** As `commitState`, in short steps, between which whoever takes them may do something else. */
export function* commitStateSteps(
  parentRoot: Bytes32,
  tries: Pick<TrieCache, "open">,
  changes: StateChanges,
  nextPlace?: NextPlace,
): Generator<undefined, StateCommitment> {
  const commitment = new CommitmentInProgress(tries, nextPlace);
  const trie = commitment.open(parentRoot);
  const accounts = new Map<Address, AccountState | null>();
  const values = new SlabWriter();
  for (const address of touchedBy(changes)) {
    if (accounts.size % STEP_ACCOUNTS === STEP_ACCOUNTS - 1) yield;
    const key = keccak256(fromHex(address));
    const changed = changes.accounts.get(address);
    const current = changed === undefined ? committedAccount(trie, key) : changed;
    if (current === null || current === undefined) {
      trie.put(key, NOTHING);
      accounts.set(address, null);
      continue;
    }
    const previousRoot = changes.clearedStorage.has(address) ? EMPTY_TRIE_ROOT : current.storageRoot;
    const slots = changes.storage.get(address);
    const storageRoot =
      slots === undefined || slots.size === 0
        ? previousRoot
        : yield* commitStorage(previousRoot, commitment, slots);
    const account = storageRoot === current.storageRoot ? current : { ...current, storageRoot };
    accounts.set(address, account);
    trie.put(key, encodeAccount(account, values.view));
  }
  const root = yield* commitment.close(trie);
  const { trieNodes, changed } = commitment;
  return { root, changes: { ...changes, accounts }, trieNodes, tries: changed };
}

/** The tries of one commitment: those that it has changed, the others as the cache has them. */
class CommitmentInProgress {
  readonly trieNodes = new NewNodes();
  readonly changed = new Map<Bytes32, MerklePatriciaTrie>();

  constructor(
    private readonly cache: Pick<TrieCache, "open">,
    private readonly nextPlace: NextPlace | undefined,
  ) {}

  /** A trie with this root, to be changed. */
  open(root: Bytes32): MerklePatriciaTrie {
    return this.changed.get(root)?.fork() ?? this.cache.open(root);
  }

  *close(trie: MerklePatriciaTrie): Generator<undefined, Bytes32> {
    const root = yield* trie.commitSteps(this.trieNodes, this.nextPlace);
    this.changed.set(root, trie);
    return root;
  }
}

/** Nearly always every account that is touched is itself among the changed ones. */
function touchedBy({ accounts, storage, clearedStorage }: StateChanges): Iterable<Address> {
  const others = [...storage.keys(), ...clearedStorage].filter((address) => !accounts.has(address));
  return others.length === 0 ? accounts.keys() : new Set([...accounts.keys(), ...others]);
}

function committedAccount(trie: MerklePatriciaTrie, key: Uint8Array): AccountState | undefined {
  const rlp = trie.get(key);
  return rlp === undefined ? undefined : decodeAccount(rlp);
}

function* commitStorage(
  previousRoot: Bytes32,
  commitment: CommitmentInProgress,
  slots: ReadonlyMap<Bytes32, Uint8Array>,
): Generator<undefined, Bytes32> {
  const trie = commitment.open(previousRoot);
  let written = 0;
  for (const [slot, value] of slots) {
    if (++written % STEP_ACCOUNTS === 0) yield;
    trie.put(keccak256(fromHex(slot)), value.length === 0 ? value : encodeRlp(value));
  }
  return yield* commitment.close(trie);
}
