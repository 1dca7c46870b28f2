import { stateUnavailable } from "@aios/consensus/domain/errors";
import type { StateStore } from "@aios/consensus/domain/ports";
import type { AccountProof, StateChanges, StateSnapshot } from "@aios/consensus/domain/state";
import { commitState, type StateCommitment, TrieState } from "@aios/consensus/domain/state-commitment";
import { keccak256 } from "@aios/core-keccak/keccak";
import { bytes32Of, fromHex } from "@aios/core-rlp/hex";
import { EMPTY_CODE_HASH, EMPTY_TRIE_ROOT } from "@aios/core-trie/empty-hashes";
import { TrieCache } from "@aios/core-trie/trie-cache";
import type { Address, Bytes32 } from "@aios/kernel/identifiers";

const NOTHING = new Uint8Array(0);

/** Every state of a small chain, in memory, by the product's own tries. */
export class MemoryStateStore implements StateStore {
  readonly #nodes = new Map<string, Uint8Array>();
  readonly #codes = new Map<Bytes32, Uint8Array>();
  readonly #load = (hash: Uint8Array): Uint8Array | undefined => this.#nodes.get(bytes32Of(hash));
  readonly #tries = new TrieCache(this.#load, { maxTries: 8, maxNodes: 50_000, keptLevels: 4 });

  snapshot(root: Bytes32): StateSnapshot {
    this.#require(root);
    const state = new TrieState(root, this.#load);
    return {
      root,
      account: (address) => state.account(address),
      storage: (address, slot) => state.storage(address, slot),
      code: (hash) => (hash === EMPTY_CODE_HASH ? NOTHING : (this.#codes.get(hash) ?? NOTHING)),
      [Symbol.dispose]: () => undefined,
    };
  }

  proof(root: Bytes32, address: Address, slots: readonly Bytes32[]): AccountProof {
    this.#require(root);
    return new TrieState(root, this.#load).proof(address, slots);
  }

  commitment(parentRoot: Bytes32, changes: StateChanges): StateCommitment {
    this.#require(parentRoot);
    return commitState(parentRoot, this.#tries, changes);
  }

  /** Commits and keeps. Returns the root. */
  commit(parentRoot: Bytes32, changes: StateChanges): Bytes32 {
    const { root, trieNodes, tries } = this.commitment(parentRoot, changes);
    for (const { reference, bytes } of trieNodes) this.#nodes.set(bytes32Of(reference), bytes);
    for (const [changed, trie] of tries) this.#tries.keep(changed, trie);
    for (const code of changes.codes.values()) this.#codes.set(bytes32Of(keccak256(code)), code);
    return root;
  }

  #require(root: Bytes32): void {
    if (root !== EMPTY_TRIE_ROOT && this.#load(fromHex(root)) === undefined) throw stateUnavailable(root);
  }
}
