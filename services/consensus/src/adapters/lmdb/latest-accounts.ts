import type { Address, Bytes32 } from "@aios/kernel/identifiers";
import type { AccountState } from "../../domain/state.js";

/** About 8 MiB each, and there are two. */
const GENERATION_ACCOUNTS = 32_768;

type Accounts = Map<Address, AccountState | null>;

/**
 * Accounts of the latest stored state that were read or written last: whoever sends, sends again. Belongs to one root
 * at a time, so a reader of an earlier state finds nothing here. When the young generation is full it becomes the old
 * one, which is forgotten.
 */
export class LatestAccounts {
  #root: Bytes32 | undefined;
  #young: Accounts = new Map();
  #old: Accounts = new Map();

  constructor(private readonly generationAccounts = GENERATION_ACCOUNTS) {}

  /** The account in the state with this root: `null` where it has none, `undefined` when that is not known here. */
  get(root: Bytes32, address: Address): AccountState | null | undefined {
    if (root !== this.#root) return undefined;
    const known = this.#young.get(address);
    return known === undefined ? this.#old.get(address) : known;
  }

  /** Remembers what was read from the state with this root. */
  keep(root: Bytes32, address: Address, account: AccountState | null): void {
    if (root === this.#root) this.#put(address, account);
  }

  /** The stored state is now the one with this root, which differs from the one before by `changes`. */
  advance(root: Bytes32, changes: ReadonlyMap<Address, AccountState | null>): void {
    this.#root = root;
    for (const [address, account] of changes) this.#put(address, account);
  }

  #put(address: Address, account: AccountState | null): void {
    if (this.#young.size >= this.generationAccounts) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(address, account);
  }
}
