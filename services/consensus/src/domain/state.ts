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
  /** Before the difference is committed, storage roots are those of the state it is about. */
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

/** Several differences in a row as one. Cost: proportional to all of them. */
export function mergeChanges(parts: readonly StateChanges[]): StateChanges {
  const accounts = new Map<Address, AccountState | null>();
  const storage = new Map<Address, Map<Bytes32, Uint8Array>>();
  const clearedStorage = new Set<Address>();
  const codes = new Map<Bytes32, Uint8Array>();
  for (const part of parts) {
    const gone = [...part.accounts].filter(([, account]) => account === null).map(([address]) => address);
    for (const address of [...part.clearedStorage, ...gone]) {
      clearedStorage.add(address);
      storage.delete(address);
    }
    for (const [address, account] of part.accounts) accounts.set(address, account);
    for (const [hash, code] of part.codes) codes.set(hash, code);
    for (const [address, slots] of part.storage) {
      const known = storage.get(address) ?? new Map<Bytes32, Uint8Array>();
      for (const [slot, value] of slots) known.set(slot, value);
      storage.set(address, known);
    }
  }
  return { accounts, storage, clearedStorage, codes };
}
