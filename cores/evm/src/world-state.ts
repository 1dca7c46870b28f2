import { Account } from "./account.js";
import { Code, CodeCache, EMPTY_CODE } from "./code.js";
import { Journal } from "./journal.js";
import { SLOT, SlotTable } from "./slot-table.js";
import type { StateChanges } from "./state-changes.js";
import type { AccountRecord, StateReader } from "./state-reader.js";
import { setBytes, toBytes } from "./word.js";

const { STRIDE, OWNER, WARM_IN, ORIGINAL_IN, KEY, CURRENT, ORIGINAL, COMMITTED } = SLOT;

export interface LogEntry {
  /** 20 bytes. */
  readonly address: Uint8Array;
  /** 32 bytes each, at most four. */
  readonly topics: readonly Uint8Array[];
  readonly data: Uint8Array;
}

export interface WorldStateOptions {
  readonly codes?: CodeCache;
  /** Any 32-bit integer unknown to those who choose addresses and slots. Does not change any result. */
  readonly hashSeed?: number;
}

/**
 * The state that the transactions of one block see: a committed state and what they changed, with an undo log for
 * nested calls. Every account and slot is read from the committed state once.
 */
export class WorldState {
  /** Number of the transaction in progress, from 1: the marks of accounts and slots are compared with it. */
  transaction = 1;
  logs: LogEntry[] = [];
  readonly journal = new Journal();
  readonly slots: SlotTable;
  readonly transient: SlotTable;
  readonly #accounts: Account[] = [];
  #accountIndex = new Int32Array(256);
  readonly #touched: Account[] = [];
  readonly #destroyed: Account[] = [];
  readonly #dirty: Account[] = [];
  readonly #codes: CodeCache;
  readonly #seed: number;
  #nextStorageId = 1;
  /** The address that `accountAt` looks for. */
  readonly #wanted = new Int32Array(8);

  constructor(
    private readonly reader: StateReader,
    options: WorldStateOptions = {},
  ) {
    this.#codes = options.codes ?? new CodeCache();
    this.#seed = (options.hashSeed ?? 0) | 0;
    this.slots = new SlotTable(this.#seed);
    this.transient = new SlotTable(this.#seed, 16);
  }

  /** The account whose address is in the five limbs at `at`. Reads the committed state on first use. */
  account(words: Int32Array, at: number): Account {
    const mask = this.#accountIndex.length - 1;
    let i = this.#hashAddress(words, at) & mask;
    for (;;) {
      const entry = this.#accountIndex[i];
      if (entry === 0) return this.#load(words, at);
      const account = this.#accounts[entry - 1];
      const word = account.word;
      if (
        word[0] === words[at] &&
        word[1] === words[at + 1] &&
        word[2] === words[at + 2] &&
        word[3] === words[at + 3] &&
        word[4] === words[at + 4]
      )
        return account;
      i = (i + 1) & mask;
    }
  }

  /** As `account`, by 20 bytes. */
  accountAt(address: Uint8Array): Account {
    setBytes(this.#wanted, 0, address, 0, 20);
    return this.account(this.#wanted, 0);
  }

  #hashAddress(words: Int32Array, at: number): number {
    let h = this.#seed ^ 0x9e3779b1;
    for (let i = 0; i < 5; i++) {
      h = Math.imul(h ^ words[at + i], 0x85ebca6b);
      h = (h << 13) | (h >>> 19);
    }
    h = Math.imul(h ^ (h >>> 16), 0xc2b2ae35);
    return h ^ (h >>> 13);
  }

  #load(words: Int32Array, at: number): Account {
    const word = new Int32Array(8);
    for (let i = 0; i < 5; i++) word[i] = words[at + i];
    const account = new Account(word, this.#nextStorageId++);
    const record = this.reader.account(account.bytes);
    if (record !== undefined) this.#adopt(account, record);
    this.#accounts.push(account);
    if (this.#accounts.length * 2 > this.#accountIndex.length) this.#growAccounts();
    else this.#file(account, this.#accounts.length);
    return account;
  }

  #adopt(account: Account, record: AccountRecord): void {
    account.nonce = record.nonce;
    account.balance = record.balance;
    account.existedBefore = true;
    account.absent = false;
    account.hasCommittedStorage = record.hasStorage;
    account.code = this.#codeOf(record.codeHash);
  }

  #codeOf(hash: Uint8Array): Code {
    const empty = EMPTY_CODE.hash;
    let same = true;
    for (let i = 0; i < 32 && same; i++) same = hash[i] === empty[i];
    return same ? EMPTY_CODE : this.#codes.get(hash, (wanted) => this.reader.code(wanted));
  }

  #file(account: Account, entry: number): void {
    const mask = this.#accountIndex.length - 1;
    let i = this.#hashAddress(account.word, 0) & mask;
    while (this.#accountIndex[i] !== 0) i = (i + 1) & mask;
    this.#accountIndex[i] = entry;
  }

  #growAccounts(): void {
    this.#accountIndex = new Int32Array(this.#accountIndex.length * 2);
    this.#accounts.forEach((account, i) => {
      this.#file(account, i + 1);
    });
  }

  /** EIP-161: marks an account that a call reached or a change met. */
  touch(account: Account): void {
    if (account.touchedIn === this.transaction) return;
    this.journal.number("touched", account, account.touchedIn);
    account.touchedIn = this.transaction;
    this.#touched.push(account);
  }

  /** Sets balance, in wei, and nonce where nothing of the transaction can be undone any more. */
  settle(account: Account, balance: bigint, nonce: bigint): void {
    account.balance = balance;
    account.nonce = nonce;
    if (account.touchedIn === this.transaction) return;
    account.touchedIn = this.transaction;
    this.#touched.push(account);
  }

  /** Sets the balance, in wei. */
  setBalance(account: Account, balance: bigint): void {
    this.touch(account);
    this.journal.amount("balance", account, account.balance);
    account.balance = balance;
  }

  setNonce(account: Account, nonce: bigint): void {
    this.touch(account);
    this.journal.amount("nonce", account, account.nonce);
    account.nonce = nonce;
  }

  setCode(account: Account, bytes: Uint8Array): void {
    this.touch(account);
    this.journal.code(account, account.code);
    account.code = bytes.length === 0 ? EMPTY_CODE : new Code(bytes);
  }

  /** Adds the account to the warm ones (EIP-2929). Whether it was cold. */
  warm(account: Account): boolean {
    if (account.warmIn === this.transaction) return false;
    this.journal.number("warm", account, account.warmIn);
    account.warmIn = this.transaction;
    return true;
  }

  /** Marks an account as created by the transaction in progress (EIP-6780). */
  markCreated(account: Account): void {
    this.journal.number("created", account, account.createdIn);
    account.createdIn = this.transaction;
  }

  /** Marks an account to be deleted at the end of the transaction. Whether it was not yet. */
  markDestroyed(account: Account): boolean {
    if (account.destroyedIn === this.transaction) return false;
    this.journal.number("destroyed", account, account.destroyedIn);
    account.destroyedIn = this.transaction;
    this.#destroyed.push(account);
    return true;
  }

  /**
   * Whether a creation meets storage at this address (EIP-7610). Only an account with code or a nonce, which collides
   * anyway, can have gained storage in this block.
   */
  hasStorage(account: Account): boolean {
    return account.hasCommittedStorage;
  }

  /** The slot of the key at `at` of `words`, as an index into `slots.data`; loads it and its original value. */
  slot(account: Account, words: Int32Array, at: number): number {
    let slot = this.slots.find(account.storageId, words, at);
    if (slot < 0) {
      slot = this.slots.insert(account.storageId, words, at);
      if (account.hasCommittedStorage) {
        const value = this.reader.storage(account.bytes, toBytes(words, at));
        const data = this.slots.data;
        setBytes(data, slot + COMMITTED, value, 0, value.length);
        for (let i = 0; i < 8; i++) data[slot + CURRENT + i] = data[slot + COMMITTED + i];
      }
    }
    const data = this.slots.data;
    if (data[slot + ORIGINAL_IN] !== this.transaction) {
      data[slot + ORIGINAL_IN] = this.transaction;
      for (let i = 0; i < 8; i++) data[slot + ORIGINAL + i] = data[slot + CURRENT + i];
    }
    return slot;
  }

  /** As `warm`, for a slot. */
  warmSlot(slot: number): boolean {
    const data = this.slots.data;
    if (data[slot + WARM_IN] === this.transaction) return false;
    this.journal.warmSlot(slot, data[slot + WARM_IN]);
    data[slot + WARM_IN] = this.transaction;
    return true;
  }

  /** Writes the word at `at` of `words` to a slot of `account`. */
  setSlot(account: Account, slot: number, words: Int32Array, at: number): void {
    this.touch(account);
    const data = this.slots.data;
    this.journal.slot("slot", slot, data, slot + CURRENT);
    for (let i = 0; i < 8; i++) data[slot + CURRENT + i] = words[at + i];
  }

  /** TLOAD (EIP-1153): copies the value over the key at `at`. */
  readTransient(account: Account, words: Int32Array, at: number): void {
    const slot = this.transient.find(account.storageId, words, at);
    const data = this.transient.data;
    for (let i = 0; i < 8; i++) words[at + i] = slot < 0 ? 0 : data[slot + CURRENT + i];
  }

  /** TSTORE (EIP-1153). */
  writeTransient(account: Account, words: Int32Array, key: number, value: number): void {
    let slot = this.transient.find(account.storageId, words, key);
    if (slot < 0) slot = this.transient.insert(account.storageId, words, key);
    const data = this.transient.data;
    this.journal.slot("transient", slot, data, slot + CURRENT);
    for (let i = 0; i < 8; i++) data[slot + CURRENT + i] = words[value + i];
  }

  addLog(entry: LogEntry): void {
    this.logs.push(entry);
    this.journal.mark("log");
  }

  /** A point to come back to. */
  checkpoint(): number {
    return this.journal.length;
  }

  /** Undoes everything since `checkpoint`. Cost: one step per change. */
  revertTo(checkpoint: number): void {
    this.journal.undo(checkpoint, this);
  }

  /** Undo steps of marks that live in lists of this object. */
  undoTouch(): void {
    this.#touched.pop();
  }

  undoDestroy(): void {
    this.#destroyed.pop();
  }

  /**
   * Ends a transaction: deletes what was destroyed and what was touched and is empty (EIP-161), forgets logs, warmth,
   * transient storage and the undo log.
   */
  endTransaction(): void {
    for (const account of this.#destroyed) this.#delete(account);
    for (const account of this.#touched) {
      if (account.isEmpty) this.#delete(account);
      else account.absent = false;
      if (!account.dirty) {
        account.dirty = true;
        this.#dirty.push(account);
      }
    }
    this.#touched.length = 0;
    this.#destroyed.length = 0;
    this.journal.clear();
    if (this.transient.count > 0) this.transient.clear();
    this.logs = [];
    this.transaction++;
  }

  #delete(account: Account): void {
    account.nonce = 0n;
    account.balance = 0n;
    account.code = EMPTY_CODE;
    account.absent = true;
    account.cleared = true;
    account.hasCommittedStorage = false;
    account.createdIn = 0;
    account.storageId = this.#nextStorageId++;
  }

  /** Everything that the ended transactions changed. Cost: one step per changed account and touched slot. */
  changes(): StateChanges {
    const accounts: StateChanges["accounts"][number][] = [];
    const slotsOf = this.#changedSlots();
    const codes = new Map<string, Code>();
    for (const account of this.#dirty) {
      if (account.absent) {
        if (account.existedBefore) accounts.push({ address: account.bytes, deleted: true });
        continue;
      }
      const { nonce, balance, code } = account;
      if (code.length > 0) codes.set(String.fromCharCode(...code.hash), code);
      accounts.push({
        address: account.bytes,
        deleted: false,
        nonce,
        balance,
        codeHash: code.hash,
        storageCleared: account.cleared && account.existedBefore,
        slots: slotsOf.get(account.storageId) ?? [],
      });
    }
    return { accounts, codes: [...codes.values()].map(({ hash, bytes }) => ({ hash, bytes })) };
  }

  #changedSlots(): Map<number, { readonly key: Uint8Array; readonly value: Uint8Array }[]> {
    const slotsOf = new Map<number, { readonly key: Uint8Array; readonly value: Uint8Array }[]>();
    const data = this.slots.data;
    for (let n = 0; n < this.slots.count; n++) {
      const slot = n * STRIDE;
      let changed = 0;
      for (let i = 0; i < 8; i++) changed |= data[slot + CURRENT + i] ^ data[slot + COMMITTED + i];
      if (changed === 0) continue;
      const owner = data[slot + OWNER];
      let list = slotsOf.get(owner);
      if (list === undefined) {
        list = [];
        slotsOf.set(owner, list);
      }
      list.push({ key: toBytes(data, slot + KEY), value: toBytes(data, slot + CURRENT) });
    }
    return slotsOf;
  }
}
