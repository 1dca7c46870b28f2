import { keccak256 } from "@aios/core-keccak/keccak";
import { bigintToBytes, bytes32Of, bytesToBigint, fromHex } from "@aios/core-rlp/hex";
import { decodeRlp, encodeRlp, rlpBytes, rlpList } from "@aios/core-rlp/rlp";
import { EMPTY_CODE_HASH, EMPTY_TRIE_ROOT } from "@aios/core-trie/empty-hashes";
import { MerklePatriciaTrie, type NodeSource } from "@aios/core-trie/merkle-patricia-trie";
import type { Address, Bytes32 } from "@aios/kernel/identifiers";
import type { AccountProof, AccountState, StateChanges, StateView } from "./state.js";

export const EMPTY_ACCOUNT: AccountState = {
  nonce: 0n,
  balance: 0n,
  storageRoot: EMPTY_TRIE_ROOT,
  codeHash: EMPTY_CODE_HASH,
};

export function encodeAccount(account: AccountState): Uint8Array {
  return encodeRlp([
    bigintToBytes(account.nonce),
    bigintToBytes(account.balance),
    fromHex(account.storageRoot),
    fromHex(account.codeHash),
  ]);
}

export function decodeAccount(rlp: Uint8Array): AccountState {
  const [nonce, balance, storageRoot, codeHash] = rlpList(decodeRlp(rlp)).map(rlpBytes) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  return {
    nonce: bytesToBigint(nonce),
    balance: bytesToBigint(balance),
    storageRoot: bytes32Of(storageRoot),
    codeHash: bytes32Of(codeHash),
  };
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

/**
 * Applies changes to the state trie. Returns the new root, the changes with every account's storage root filled in,
 * and the trie nodes that are new. `parent` gives accounts whose storage changed while they did not.
 */
export function commitState(
  parentRoot: Bytes32,
  parent: Pick<StateView, "account">,
  load: NodeSource,
  changes: StateChanges,
): { readonly root: Bytes32; readonly changes: StateChanges; readonly trieNodes: Map<Bytes32, Uint8Array> } {
  const trieNodes = new Map<Bytes32, Uint8Array>();
  const store = (hash: Bytes32, rlp: Uint8Array): void => {
    trieNodes.set(hash, rlp);
  };
  const trie = new MerklePatriciaTrie(parentRoot, load);
  const accounts = new Map<Address, AccountState | null>();
  const touched = new Set([...changes.accounts.keys(), ...changes.storage.keys(), ...changes.clearedStorage]);
  for (const address of touched) {
    const changed = changes.accounts.get(address);
    const key = keccak256(fromHex(address));
    const current = changed === undefined ? parent.account(address) : changed;
    if (current === null || current === undefined) {
      trie.put(key, new Uint8Array(0));
      accounts.set(address, null);
      continue;
    }
    const previousRoot = changes.clearedStorage.has(address)
      ? EMPTY_TRIE_ROOT
      : (parent.account(address)?.storageRoot ?? EMPTY_TRIE_ROOT);
    const account = {
      ...current,
      storageRoot: commitStorage(previousRoot, load, changes.storage.get(address), store),
    };
    accounts.set(address, account);
    trie.put(key, encodeAccount(account));
  }
  const root = trie.commit(store);
  return { root, changes: { ...changes, accounts }, trieNodes };
}

function commitStorage(
  previousRoot: Bytes32,
  load: NodeSource,
  slots: ReadonlyMap<Bytes32, Uint8Array> | undefined,
  store: (hash: Bytes32, rlp: Uint8Array) => void,
): Bytes32 {
  if (slots === undefined || slots.size === 0) return previousRoot;
  const trie = new MerklePatriciaTrie(previousRoot, load);
  for (const [slot, value] of slots) {
    trie.put(keccak256(fromHex(slot)), value.length === 0 ? value : encodeRlp(value));
  }
  return trie.commit(store);
}
