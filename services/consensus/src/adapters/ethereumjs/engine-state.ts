import { keccak256 } from "@aios/core-keccak/keccak";
import { addressOf, bytes32Of, fromHex, unpad } from "@aios/core-rlp/hex";
import { EMPTY_CODE_HASH, EMPTY_TRIE_ROOT } from "@aios/core-trie/empty-hashes";
import type { Address, Bytes32 } from "@aios/kernel/identifiers";
import type { AccountFields, StateManagerInterface } from "@ethereumjs/common";
import { Account, type Address as EvmAddress } from "@ethereumjs/util";
import type { AccountState, StateChanges, StateView } from "../../domain/state.js";
import { EMPTY_ACCOUNT } from "../../domain/state-commitment.js";

const NOTHING = new Uint8Array(0);
const MAX_NONCE = 2n ** 64n - 1n;
const DELEGATION_PREFIX = Uint8Array.of(0xef, 0x01, 0x00);
const EMPTY_CODE_HASH_BYTES = fromHex(EMPTY_CODE_HASH);
const EMPTY_ROOT_BYTES = fromHex(EMPTY_TRIE_ROOT);

type Undo = () => void;

function toEvm(account: AccountState): Account {
  return new Account(
    account.nonce,
    account.balance,
    account.storageRoot === EMPTY_TRIE_ROOT ? EMPTY_ROOT_BYTES : fromHex(account.storageRoot),
    account.codeHash === EMPTY_CODE_HASH ? EMPTY_CODE_HASH_BYTES : fromHex(account.codeHash),
  );
}

function fromEvm(account: Account): AccountState {
  return {
    // Only a simulation can come to its end; there it begins again, as in Geth.
    nonce: account.nonce & MAX_NONCE,
    balance: account.balance,
    storageRoot: bytes32Of(account.storageRoot),
    codeHash: bytes32Of(account.codeHash),
  };
}

/**
 * The state that the interpreter sees: a base view, changes on top, and an undo log for its nested checkpoints.
 * Holds what it read until `reset`, so one transaction after another on the same block stays off the store.
 */
export class EngineState implements StateManagerInterface {
  readonly originalStorageCache: {
    get(address: EvmAddress, key: Uint8Array): Promise<Uint8Array>;
    clear(): void;
  };
  #base: StateView;
  #accounts = new Map<Address, AccountState | null>();
  #changedAccounts = new Set<Address>();
  #storage = new Map<Address, Map<Bytes32, Uint8Array>>();
  #cleared = new Set<Address>();
  #codes = new Map<Bytes32, Uint8Array>();
  #admitted: Address | undefined;
  #undo: Undo[] = [];
  #checkpoints: number[] = [];

  constructor(base: StateView) {
    this.#base = base;
    const originals = new Map<string, Uint8Array>();
    this.originalStorageCache = {
      get: async (address, key) => {
        const id = `${addressOf(address.bytes)}${bytes32Of(key)}`;
        let value = originals.get(id);
        if (value === undefined) {
          value = this.#read(addressOf(address.bytes), bytes32Of(key));
          originals.set(id, value);
        }
        return value;
      },
      clear: () => originals.clear(),
    };
  }

  /** Forgets everything and continues on another base. */
  reset(base: StateView): void {
    this.#base = base;
    this.#accounts = new Map();
    this.#changedAccounts = new Set();
    this.#storage = new Map();
    this.#cleared = new Set();
    this.#codes = new Map();
    this.#undo = [];
    this.#checkpoints = [];
    this.originalStorageCache.clear();
  }

  /** What changed since `reset`. */
  changes(): StateChanges {
    const accounts = new Map<Address, AccountState | null>();
    for (const address of this.#changedAccounts) accounts.set(address, this.#accounts.get(address) ?? null);
    return { accounts, storage: this.#storage, clearedStorage: this.#cleared, codes: this.#codes };
  }

  /** Adds to a balance outside any transaction. */
  credit(address: Address, amount: bigint): void {
    const account = this.#account(address) ?? EMPTY_ACCOUNT;
    this.#setAccount(address, { ...account, balance: account.balance + amount });
  }

  accountState(address: Address): AccountState | undefined {
    return this.#account(address);
  }

  /** This state as it is at each moment of the execution. */
  readonly view: StateView = {
    account: (address) => this.#account(address),
    storage: (address, slot) => this.#read(address, slot),
    code: (codeHash) =>
      this.#codes.get(codeHash) ?? (codeHash === EMPTY_CODE_HASH ? NOTHING : this.#base.code(codeHash)),
  };

  /**
   * The next look at this account's code, which is the library's check that a sender has none (EIP-3607), finds a
   * delegation: calls may come from contracts.
   */
  admitSender(address: Address): void {
    this.#admitted = address;
  }

  codeOf(account: AccountState): Uint8Array {
    if (account.codeHash === EMPTY_CODE_HASH) return NOTHING;
    return this.#codes.get(account.codeHash) ?? this.#base.code(account.codeHash);
  }

  async getAccount(address: EvmAddress): Promise<Account | undefined> {
    const account = this.#account(addressOf(address.bytes));
    return account === undefined ? undefined : toEvm(account);
  }

  async putAccount(address: EvmAddress, account?: Account): Promise<void> {
    if (account === undefined) return this.deleteAccount(address);
    this.#setAccount(addressOf(address.bytes), fromEvm(account));
  }

  async deleteAccount(address: EvmAddress): Promise<void> {
    const key = addressOf(address.bytes);
    if (this.#account(key) === undefined) return;
    this.#clearStorage(key);
    this.#setAccount(key, null);
  }

  async modifyAccountFields(address: EvmAddress, fields: AccountFields): Promise<void> {
    const account = (await this.getAccount(address)) ?? new Account();
    account.nonce = fields.nonce ?? account.nonce;
    account.balance = fields.balance ?? account.balance;
    account.storageRoot = fields.storageRoot ?? account.storageRoot;
    account.codeHash = fields.codeHash ?? account.codeHash;
    await this.putAccount(address, account);
  }

  async putCode(address: EvmAddress, value: Uint8Array): Promise<void> {
    const codeHash = keccak256(value);
    const key = bytes32Of(codeHash);
    if (key !== EMPTY_CODE_HASH && !this.#codes.has(key)) {
      this.#codes.set(key, value);
      this.#undo.push(() => this.#codes.delete(key));
    }
    await this.modifyAccountFields(address, { codeHash });
  }

  async getCode(address: EvmAddress): Promise<Uint8Array> {
    const key = addressOf(address.bytes);
    if (this.#admitted === key) {
      this.#admitted = undefined;
      return DELEGATION_PREFIX;
    }
    const account = this.#account(key);
    return account === undefined ? NOTHING : this.codeOf(account);
  }

  async getCodeSize(address: EvmAddress): Promise<number> {
    return (await this.getCode(address)).length;
  }

  async getStorage(address: EvmAddress, key: Uint8Array): Promise<Uint8Array> {
    return this.#read(addressOf(address.bytes), bytes32Of(key));
  }

  async putStorage(address: EvmAddress, key: Uint8Array, value: Uint8Array): Promise<void> {
    this.#write(addressOf(address.bytes), bytes32Of(key), unpad(value));
  }

  async clearStorage(address: EvmAddress): Promise<void> {
    this.#clearStorage(addressOf(address.bytes));
  }

  async checkpoint(): Promise<void> {
    this.#checkpoints.push(this.#undo.length);
  }

  async commit(): Promise<void> {
    this.#checkpoints.pop();
    if (this.#checkpoints.length === 0) this.#undo = [];
  }

  async revert(): Promise<void> {
    const mark = this.#checkpoints.pop() ?? 0;
    for (let i = this.#undo.length - 1; i >= mark; i--) (this.#undo[i] as Undo)();
    this.#undo.length = mark;
  }

  // The root is computed once per block from `changes`. The library asks in between only for its own receipts before
  // Byzantium, which nobody reads.
  getStateRoot(): Promise<Uint8Array> {
    return Promise.resolve(new Uint8Array(32));
  }

  setStateRoot(): Promise<void> {
    return Promise.reject(new Error("The base of an execution is set by reset."));
  }

  async hasStateRoot(): Promise<boolean> {
    return false;
  }

  clearCaches(): void {}

  shallowCopy(): StateManagerInterface {
    return new EngineState(this.#base);
  }

  #account(address: Address): AccountState | undefined {
    let account = this.#accounts.get(address);
    if (account === undefined) {
      account = this.#base.account(address) ?? null;
      this.#accounts.set(address, account);
    }
    return account ?? undefined;
  }

  #setAccount(address: Address, account: AccountState | null): void {
    const before = this.#account(address) ?? null;
    const wasChanged = this.#changedAccounts.has(address);
    this.#accounts.set(address, account);
    this.#changedAccounts.add(address);
    this.#undo.push(() => {
      this.#accounts.set(address, before);
      if (!wasChanged) this.#changedAccounts.delete(address);
    });
  }

  #read(address: Address, slot: Bytes32): Uint8Array {
    const written = this.#storage.get(address)?.get(slot);
    if (written !== undefined) return written;
    return this.#cleared.has(address) ? NOTHING : this.#base.storage(address, slot);
  }

  #write(address: Address, slot: Bytes32, value: Uint8Array): void {
    let slots = this.#storage.get(address);
    if (slots === undefined) {
      slots = new Map();
      this.#storage.set(address, slots);
    }
    const target = slots;
    const before = target.get(slot);
    target.set(slot, value);
    this.#undo.push(() => {
      if (before === undefined) target.delete(slot);
      else target.set(slot, before);
    });
  }

  #clearStorage(address: Address): void {
    const slots = this.#storage.get(address);
    const wasCleared = this.#cleared.has(address);
    if (slots === undefined && wasCleared) return;
    this.#storage.delete(address);
    this.#cleared.add(address);
    this.#undo.push(() => {
      if (slots === undefined) this.#storage.delete(address);
      else this.#storage.set(address, slots);
      if (!wasCleared) this.#cleared.delete(address);
    });
  }
}
