import { concat, fromHex } from "@aios/core-rlp/hex";
import { EMPTY_CODE_HASH, EMPTY_TRIE_ROOT } from "@aios/core-trie/empty-hashes";
import type { NodeSource } from "@aios/core-trie/merkle-patricia-trie";
import type { Address, Bytes32 } from "@aios/kernel/identifiers";
import type { Transaction } from "lmdb";
import { corruptStore, stateUnavailable } from "../../domain/errors.js";
import type { GenesisAllocation } from "../../domain/genesis.js";
import { buildGenesisState } from "../../domain/genesis-state.js";
import type { FoundingStore } from "../../domain/ports.js";
import type { AccountProof, AccountState, StateChanges, StateSnapshot } from "../../domain/state.js";
import {
  commitState,
  commitStateSteps,
  decodeAccount,
  type StateCommitment,
  TrieState,
} from "../../domain/state-commitment.js";
import type { ChainDatabase } from "./chain-database.js";
import { writeState } from "./write-state.js";

const NOTHING = new Uint8Array(0);
/** The latest state, read from the flat tables under a read transaction. */
class FlatSnapshot implements StateSnapshot {
  constructor(
    private readonly database: ChainDatabase,
    private readonly transaction: Transaction,
    readonly root: Bytes32,
  ) {}

  account(address: Address): AccountState | undefined {
    const { latestAccounts, accounts } = this.database;
    const known = latestAccounts.get(this.root, address);
    if (known !== undefined) return known ?? undefined;
    const rlp = accounts.get(fromHex(address), { transaction: this.transaction });
    const account = rlp === undefined ? undefined : decodeAccount(rlp);
    latestAccounts.keep(this.root, address, account ?? null);
    return account;
  }

  storage(address: Address, slot: Bytes32): Uint8Array {
    return (
      this.database.storage.get(concat(fromHex(address), fromHex(slot)), { transaction: this.transaction }) ??
      NOTHING
    );
  }

  code(codeHash: Bytes32): Uint8Array {
    return readCode(this.database, codeHash);
  }

  [Symbol.dispose](): void {
    this.transaction.done();
  }
}

/** Any earlier state, read from its trie. Nodes are never rewritten, so no read transaction is held. */
class TrieSnapshot implements StateSnapshot {
  readonly #state: TrieState;

  constructor(
    private readonly database: ChainDatabase,
    readonly root: Bytes32,
    load: NodeSource,
  ) {
    this.#state = new TrieState(root, load);
  }

  account(address: Address): AccountState | undefined {
    // LMDB shows a block a moment before whoever writes it says that it is there: until then this is the latest state.
    const known = this.database.latestAccounts.get(this.root, address);
    if (known !== undefined) return known ?? undefined;
    const account = this.#state.account(address);
    this.database.latestAccounts.keep(this.root, address, account ?? null);
    return account;
  }

  storage(address: Address, slot: Bytes32): Uint8Array {
    return this.#state.storage(address, slot);
  }

  code(codeHash: Bytes32): Uint8Array {
    return readCode(this.database, codeHash);
  }

  [Symbol.dispose](): void {}
}

function readCode(database: ChainDatabase, codeHash: Bytes32): Uint8Array {
  if (codeHash === EMPTY_CODE_HASH) return NOTHING;
  const code = database.codes.get(fromHex(codeHash));
  if (code === undefined) throw corruptStore(`code ${codeHash} is missing`);
  return code;
}

/** Flat tables for the latest state, trie nodes for every state since genesis (archive). */
export class LmdbStateStore implements FoundingStore {
  constructor(private readonly database: ChainDatabase) {}

  snapshot(root: Bytes32): StateSnapshot {
    const transaction = this.database.snapshot();
    const flatRoot = this.database.meta.get("state-root", { transaction });
    if (flatRoot !== undefined && `0x${flatRoot.toString("hex")}` === root) {
      return new FlatSnapshot(this.database, transaction, root);
    }
    transaction.done();
    this.#requireRoot(root);
    return new TrieSnapshot(this.database, root, this.database.tries.load);
  }

  proof(root: Bytes32, address: Address, slots: readonly Bytes32[]): AccountProof {
    this.#requireRoot(root);
    return new TrieState(root, this.database.tries.load).proof(address, slots);
  }

  commitment(parentRoot: Bytes32, changes: StateChanges): StateCommitment {
    this.#requireRoot(parentRoot);
    const { cache, nextPlace } = this.database.tries;
    return commitState(parentRoot, cache, changes, nextPlace);
  }

  *commitmentSteps(parentRoot: Bytes32, changes: StateChanges): Generator<undefined, StateCommitment> {
    this.#requireRoot(parentRoot);
    const { cache, nextPlace } = this.database.tries;
    return yield* commitStateSteps(parentRoot, cache, changes, nextPlace);
  }

  async found(allocation: GenesisAllocation): Promise<Bytes32> {
    if (this.database.meta.get("head") !== undefined)
      return await buildGenesisState(allocation, () => Promise.resolve());
    await this.database.clearState();
    return await buildGenesisState(allocation, (part) =>
      this.database.write((batch) => writeState(this.database, batch, part)),
    );
  }

  #requireRoot(root: Bytes32): void {
    if (root !== EMPTY_TRIE_ROOT && this.database.tries.load(fromHex(root)) === undefined)
      throw stateUnavailable(root);
  }
}
