import type { Account } from "@aios/core-evm/account";
import { SLOT } from "@aios/core-evm/slot-table";
import type { AccountRecord, StateReader } from "@aios/core-evm/state-reader";
import { setBytes, toBytes } from "@aios/core-evm/word";
import type { WorldState } from "@aios/core-evm/world-state";
import { addressOf, bytes32Of, fromHex, unpad } from "@aios/core-rlp/hex";
import { EMPTY_CODE_HASH, EMPTY_TRIE_ROOT } from "@aios/core-trie/empty-hashes";
import type { Address, Bytes32 } from "@aios/kernel/identifiers";
import type { AccountState, StateChanges, StateView } from "../../domain/state.js";

const NOTHING = new Uint8Array(0);
const NO_CODE = fromHex(EMPTY_CODE_HASH);

/** A view of the domain as the engine reads it. Remembers storage roots, which the engine does not carry. */
export class ViewReader implements StateReader {
  readonly #storageRoots = new Map<Address, Bytes32>();

  /** `overlays`: the uncommitted changes in the view, which storage roots do not tell of. */
  constructor(
    readonly view: StateView,
    private readonly overlays: readonly StateChanges[],
  ) {}

  account(address: Uint8Array): AccountRecord | undefined {
    const key = addressOf(address);
    const account = this.view.account(key);
    if (account === undefined) return undefined;
    const { nonce, balance, codeHash, storageRoot } = account;
    const hasRoot = storageRoot !== EMPTY_TRIE_ROOT;
    if (hasRoot) this.#storageRoots.set(key, storageRoot);
    const hasStorage = this.#hasNewStorage(key) ?? hasRoot;
    return {
      nonce,
      balance,
      codeHash: codeHash === EMPTY_CODE_HASH ? NO_CODE : fromHex(codeHash),
      hasStorage,
    };
  }

  code(codeHash: Uint8Array): Uint8Array {
    return this.view.code(bytes32Of(codeHash));
  }

  storage(address: Uint8Array, slot: Uint8Array): Uint8Array {
    return this.view.storage(addressOf(address), bytes32Of(slot));
  }

  /** Whether uncommitted changes leave storage to the account; `undefined` where they say nothing of it. */
  #hasNewStorage(address: Address): boolean | undefined {
    for (let index = this.overlays.length - 1; index >= 0; index--) {
      const changes = this.overlays[index];
      for (const value of changes?.storage.get(address)?.values() ?? []) if (value.length > 0) return true;
      if (changes?.clearedStorage.has(address) || changes?.accounts.get(address) === null) return false;
    }
    return undefined;
  }

  /** Of an account that has been read, as it is in the view. */
  storageRoot(address: Address): Bytes32 {
    return this.#storageRoots.get(address) ?? EMPTY_TRIE_ROOT;
  }
}

/** The state of a block in progress as the domain reads it, at any moment of the execution. */
export class SessionState implements StateView {
  readonly #codes = new Map<Bytes32, Uint8Array>();

  constructor(
    private readonly world: WorldState,
    private readonly reader: ViewReader,
  ) {}

  account(address: Address): AccountState | undefined {
    const account = this.world.accountAt(fromHex(address));
    if (account.absent && account.isEmpty) return undefined;
    return this.#stateOf(account, address);
  }

  storage(address: Address, slot: Bytes32): Uint8Array {
    const key = new Int32Array(8);
    setBytes(key, 0, fromHex(slot), 0, 32);
    const at = this.world.slot(this.world.accountAt(fromHex(address)), key, 0);
    return unpad(toBytes(this.world.slots.data, at + SLOT.CURRENT));
  }

  code(codeHash: Bytes32): Uint8Array {
    return (
      this.#codes.get(codeHash) ?? (codeHash === EMPTY_CODE_HASH ? NOTHING : this.reader.view.code(codeHash))
    );
  }

  #stateOf({ nonce, balance, code, cleared }: Account, address: Address): AccountState {
    let codeHash = EMPTY_CODE_HASH;
    if (code.length > 0) {
      codeHash = bytes32Of(code.hash);
      this.#codes.set(codeHash, code.bytes);
    }
    return {
      nonce,
      balance,
      codeHash,
      storageRoot: cleared ? EMPTY_TRIE_ROOT : this.reader.storageRoot(address),
    };
  }

  /** What the ended transactions changed. Storage roots are those from before. */
  changes(): StateChanges {
    const accounts = new Map<Address, AccountState | null>();
    const storage = new Map<Address, Map<Bytes32, Uint8Array>>();
    const clearedStorage = new Set<Address>();
    const codes = new Map<Bytes32, Uint8Array>();
    const { accounts: changed, codes: newCodes } = this.world.changes();
    for (const { hash, bytes } of newCodes) codes.set(bytes32Of(hash), bytes);
    for (const change of changed) {
      const address = addressOf(change.address);
      const rootBefore = this.reader.storageRoot(address);
      if (change.deleted || change.storageCleared) {
        if (rootBefore !== EMPTY_TRIE_ROOT) clearedStorage.add(address);
      }
      if (change.deleted) {
        accounts.set(address, null);
        continue;
      }
      const { nonce, balance, slots } = change;
      const codeHash = codeHashOf(change.codeHash);
      accounts.set(address, {
        nonce,
        balance,
        codeHash,
        storageRoot: change.storageCleared ? EMPTY_TRIE_ROOT : rootBefore,
      });
      if (slots.length > 0)
        storage.set(address, new Map(slots.map(({ key, value }) => [bytes32Of(key), unpad(value)])));
    }
    return { accounts, storage, clearedStorage, codes };
  }
}

function codeHashOf(hash: Uint8Array): Bytes32 {
  // Most accounts have no code, and the engine gives all of them the same bytes.
  return hash[0] === NO_CODE[0] &&
    hash[1] === NO_CODE[1] &&
    hash[31] === NO_CODE[31] &&
    hash.every((byte, i) => byte === NO_CODE[i])
    ? EMPTY_CODE_HASH
    : bytes32Of(hash);
}
