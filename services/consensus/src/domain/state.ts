import type { Address, Bytes32 } from "@aios/kernel/identifiers";

/** Ethereum's account: the four fields of the state trie. */
export interface AccountState {
  readonly nonce: bigint;
  readonly balance: bigint;
  readonly storageRoot: Bytes32;
  readonly codeHash: Bytes32;
}

/** Read access to one state. Synchronous and stable: later commits do not show through. */
export interface StateView {
  account(address: Address): AccountState | undefined;
  /** Big-endian value without leading zeros, at most 32 bytes; empty for zero. */
  storage(address: Address, slot: Bytes32): Uint8Array;
  /** Empty for the hash of no code. */
  code(codeHash: Bytes32): Uint8Array;
}

/** A view that holds a snapshot of a store until it is closed. */
export interface StateSnapshot extends StateView, Disposable {
  readonly root: Bytes32;
}

/** Difference between two states. `null` deletes an account. Zero storage values are empty. */
export interface StateChanges {
  readonly accounts: ReadonlyMap<Address, AccountState | null>;
  readonly storage: ReadonlyMap<Address, ReadonlyMap<Bytes32, Uint8Array>>;
  /** Accounts whose earlier storage is gone before `storage` applies. */
  readonly clearedStorage: ReadonlySet<Address>;
  readonly codes: ReadonlyMap<Bytes32, Uint8Array>;
}

export const NO_CHANGES: StateChanges = {
  accounts: new Map(),
  storage: new Map(),
  clearedStorage: new Set(),
  codes: new Map(),
};

/** A state with changes on top that are not committed. */
export class OverlayState implements StateView {
  constructor(
    private readonly base: StateView,
    private readonly changes: StateChanges,
  ) {}

  account(address: Address): AccountState | undefined {
    const changed = this.changes.accounts.get(address);
    return changed === undefined ? this.base.account(address) : (changed ?? undefined);
  }

  storage(address: Address, slot: Bytes32): Uint8Array {
    const changed = this.changes.storage.get(address)?.get(slot);
    if (changed !== undefined) return changed;
    if (this.changes.clearedStorage.has(address) || this.changes.accounts.get(address) === null)
      return new Uint8Array(0);
    return this.base.storage(address, slot);
  }

  code(codeHash: Bytes32): Uint8Array {
    return this.changes.codes.get(codeHash) ?? this.base.code(codeHash);
  }
}

/** Merkle proof of an account and some of its storage (EIP-1186). */
export interface AccountProof {
  readonly account: AccountState;
  readonly accountProof: readonly Uint8Array[];
  readonly storageProof: readonly {
    readonly slot: Bytes32;
    readonly value: Uint8Array;
    readonly proof: readonly Uint8Array[];
  }[];
}
