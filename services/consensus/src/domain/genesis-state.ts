import { keccak256 } from "@aios/core-keccak/keccak";
import { addressOf, bytes32Of, fromHex } from "@aios/core-rlp/hex";
import { EMPTY_CODE_HASH, EMPTY_TRIE_ROOT } from "@aios/core-trie/empty-hashes";
import { TrieCache } from "@aios/core-trie/trie-cache";
import type { Address, Bytes32 } from "@aios/kernel/identifiers";
import { accountTwice, type GenesisAccount, type GenesisAllocation } from "./genesis.js";
import type { AccountState, StateChanges } from "./state.js";
import { commitState, type StateCommitment } from "./state-commitment.js";

/** Accounts whose keys begin with the same three nibbles stay together. */
const GROUPS = 16 ** 3;
const KEPT_LEVELS = 3;
/** About 30 MiB of nodes and rows. */
const PART_ACCOUNTS = 32_768;

const ADDRESS_BYTES = 20;
const FIRST_CAPACITY = 1_024;
const LIMBS = 4;

/** Accounts in flat memory, 62 bytes each; the few with code or storage as they came. */
class GatheredAccounts {
  readonly #special = new Map<number, GenesisAccount>();
  #addresses = new Uint8Array(FIRST_CAPACITY * ADDRESS_BYTES);
  #balances = new BigUint64Array(FIRST_CAPACITY * LIMBS);
  #nonces = new BigUint64Array(FIRST_CAPACITY);
  #groups = new Uint16Array(FIRST_CAPACITY);
  length = 0;

  add(owner: Address, account: GenesisAccount): void {
    const index = this.length++;
    if (index === this.#groups.length) this.#grow();
    const bytes = fromHex(owner);
    const key = keccak256(bytes);
    this.#addresses.set(bytes, index * ADDRESS_BYTES);
    this.#groups[index] = ((key[0] as number) << 4) | ((key[1] as number) >> 4);
    this.#nonces[index] = account.nonce;
    for (let limb = 0, rest = account.balance; rest > 0n; limb++, rest >>= 64n)
      this.#balances[index * LIMBS + limb] = BigInt.asUintN(64, rest);
    if (account.code.length > 0 || account.storage.size > 0) this.#special.set(index, account);
  }

  /** The number of every account, those of one group one after the other. */
  grouped(): { readonly order: Uint32Array; readonly ends: Uint32Array } {
    const ends = new Uint32Array(GROUPS);
    for (let index = 0; index < this.length; index++) count(ends, this.#groups[index] as number);
    const next = new Uint32Array(GROUPS);
    for (let group = 1; group < GROUPS; group++) {
      next[group] = ends[group - 1] as number;
      ends[group] = (ends[group] as number) + (ends[group - 1] as number);
    }
    const order = new Uint32Array(this.length);
    for (let index = 0; index < this.length; index++)
      order[count(next, this.#groups[index] as number)] = index;
    return { order, ends };
  }

  /** Throws `invalid-genesis` where one of them is there twice. */
  changes(indexes: Uint32Array): StateChanges {
    const accounts = new Map<Address, AccountState>();
    const storage = new Map<Address, ReadonlyMap<Bytes32, Uint8Array>>();
    const codes = new Map<Bytes32, Uint8Array>();
    for (const index of indexes) {
      const owner = addressOf(this.#addresses.subarray(index * ADDRESS_BYTES, (index + 1) * ADDRESS_BYTES));
      if (accounts.has(owner)) throw accountTwice(owner);
      const special = this.#special.get(index);
      let codeHash = EMPTY_CODE_HASH;
      if (special !== undefined && special.code.length > 0) {
        codeHash = bytes32Of(keccak256(special.code));
        codes.set(codeHash, special.code);
      }
      if (special !== undefined && special.storage.size > 0) storage.set(owner, special.storage);
      const nonce = this.#nonces[index] as bigint;
      accounts.set(owner, { nonce, balance: this.#balance(index), codeHash, storageRoot: EMPTY_TRIE_ROOT });
    }
    return { accounts, storage, codes, clearedStorage: new Set() };
  }

  #balance(index: number): bigint {
    let out = 0n;
    for (let limb = LIMBS - 1; limb >= 0; limb--)
      out = (out << 64n) | (this.#balances[index * LIMBS + limb] as bigint);
    return out;
  }

  #grow(): void {
    const capacity = this.#groups.length * 2;
    const larger = <T extends { set(from: T): void }>(now: T, wanted: T): T => {
      wanted.set(now);
      return wanted;
    };
    this.#addresses = larger(this.#addresses, new Uint8Array(capacity * ADDRESS_BYTES));
    this.#balances = larger(this.#balances, new BigUint64Array(capacity * LIMBS));
    this.#nonces = larger(this.#nonces, new BigUint64Array(capacity));
    this.#groups = larger(this.#groups, new Uint16Array(capacity));
  }
}

/** Adds one to a counter and returns what it was. */
function count(counters: Uint32Array, at: number): number {
  const before = counters[at] as number;
  counters[at] = before + 1;
  return before;
}

/**
 * Builds the first state of a chain in parts, each handed to `keep` before the next is made, so that memory grows by 62
 * bytes an account and not with the trie. Parts are cut where the trie branches, so that none needs a node of an earlier
 * one again, but for the root and the two levels below it, which are stored once a part. Returns the root. Throws
 * `invalid-genesis`.
 */
export async function buildGenesisState(
  allocation: GenesisAllocation,
  keep: (part: StateCommitment) => Promise<void>,
  partAccounts = PART_ACCOUNTS,
): Promise<Bytes32> {
  const gathered = new GatheredAccounts();
  for (const [owner, account] of allocation) gathered.add(owner, account);
  const tries = new TrieCache(() => undefined, { maxTries: 1, maxNodes: 0, keptLevels: KEPT_LEVELS });
  const { order, ends } = gathered.grouped();
  let root = EMPTY_TRIE_ROOT;
  let start = 0;
  for (const end of ends) {
    if (end - start < partAccounts && end < order.length) continue;
    if (end === start) continue;
    const part = commitState(root, tries, gathered.changes(order.subarray(start, end)));
    await keep(part);
    for (const [partRoot, trie] of part.tries) tries.keep(partRoot, trie);
    root = part.root;
    start = end;
  }
  return root;
}
