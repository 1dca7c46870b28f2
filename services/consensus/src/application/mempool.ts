import { keccak256 } from "@aios/core-keccak/keccak";
import { bytes32Of } from "@aios/core-rlp/hex";
import { EMPTY_CODE_HASH } from "@aios/core-trie/empty-hashes";
import type { Clock } from "@aios/kernel/clock";
import { isCodedError } from "@aios/kernel/coded-error";
import type { Address, Bytes32 } from "@aios/kernel/identifiers";
import { crashPoint } from "@aios/service-kit/crash-point";
import type { BlockWithReceipts } from "../domain/block.js";
import { isDelegation } from "../domain/delegation.js";
import { alreadyKnown, oversized } from "../domain/errors.js";
import type { Genesis } from "../domain/genesis.js";
import { type MempoolLimits, type SenderState, TransactionPool } from "../domain/mempool.js";
import type {
  BlockStore,
  DroppedTransaction,
  MempoolJournal,
  StateStore,
  TransactionCodec,
} from "../domain/ports.js";
import type { StateSnapshot, StateView } from "../domain/state.js";
import type { SignedTransaction } from "../domain/transaction.js";
import { readState } from "../domain/with-state.js";
import type { ChainEvents } from "./chain-events.js";

/** Journal entries whose senders are recovered together. */
const RESTORE_BATCH = 1_024;

function senderState(view: StateView, sender: Address): SenderState {
  const account = view.account(sender);
  if (account === undefined) return { nonce: 0n, balance: 0n, hasContractCode: false };
  const code = account.codeHash === EMPTY_CODE_HASH ? undefined : view.code(account.codeHash);
  return {
    nonce: account.nonce,
    balance: account.balance,
    hasContractCode: code !== undefined && !isDelegation(code),
  };
}

/** The transaction pool with its journal: what was answered with a hash survives a crash. */
export class Mempool {
  readonly pool: TransactionPool;
  #view: StateSnapshot | undefined;
  #onAdmitted: () => void = () => {};

  constructor(
    private readonly genesis: Genesis,
    private readonly codec: TransactionCodec,
    private readonly blocks: BlockStore,
    private readonly states: StateStore,
    private readonly journal: MempoolJournal,
    private readonly events: ChainEvents,
    private readonly clock: Clock,
    private readonly limits: MempoolLimits,
  ) {
    this.pool = new TransactionPool(limits);
  }

  /** Who makes checkpoints wants to know that transactions wait. */
  whenAdmitted(wake: () => void): void {
    this.#onAdmitted = wake;
  }

  /** Admits raw bytes. Resolves with the hash when a crash no longer loses it. Throws the admission errors. */
  async submit(raw: Uint8Array): Promise<Bytes32> {
    if (raw.length > this.limits.maxTransactionBytes)
      throw oversized(raw.length, this.limits.maxTransactionBytes);
    const transaction = await this.codec.admit(raw);
    if (this.blocks.placeOf(transaction.hash) !== undefined) throw alreadyKnown(transaction.hash);
    const receivedAtMs = this.clock.now();
    const displaced = this.#admit(transaction, receivedAtMs);
    crashPoint("consensus.submit.before-journal");
    await this.#keep(transaction, receivedAtMs);
    crashPoint("consensus.submit.after-journal");
    await this.#forget(displaced);
    this.events.emit("admitted", transaction);
    this.#onAdmitted();
    return transaction.hash;
  }

  /**
   * Takes over what a peer's mempool holds, decoded and with its sender recovered; the peer keeps it over a crash, this node
   * does not. Whether it is in the pool now.
   */
  takeOver(transaction: SignedTransaction): boolean {
    if (this.blocks.placeOf(transaction.hash) !== undefined) return false;
    let displaced: readonly DroppedTransaction[];
    try {
      displaced = this.#admit(transaction, this.clock.now());
    } catch (error) {
      if (isCodedError(error)) return false;
      throw error;
    }
    void this.#forget(displaced);
    this.events.emit("admitted", transaction);
    this.#onAdmitted();
    return true;
  }

  /** Nobody is told of a transaction that could not be kept, and nobody finds it in a block. */
  async #keep(transaction: SignedTransaction, receivedAtMs: number): Promise<void> {
    try {
      await this.journal.add(transaction, receivedAtMs);
    } catch (error) {
      const why = isCodedError(error)
        ? { code: error.code, reason: error.message }
        : { code: "not-kept", reason: "the node could not store it" };
      this.pool.withdraw(transaction.hash, why);
      await this.#forget([transaction]);
      throw error;
    }
  }

  /** What a full disk keeps in the journal is refused again after a restart. */
  async #forget(transactions: readonly { readonly hash: Bytes32 }[]): Promise<void> {
    if (transactions.length === 0) return;
    await this.journal.remove(transactions.map(({ hash }) => hash)).catch((error: unknown) => {
      if (!isCodedError(error) || error.kind !== "unavailable") throw error;
    });
  }

  /** Takes up what the last run left. Entries that no longer qualify are forgotten. */
  async restore(): Promise<void> {
    const gone: Bytes32[] = [];
    const entries = [...this.journal.entries()].sort((a, b) => a.receivedAtMs - b.receivedAtMs);
    for (let at = 0; at < entries.length; at += RESTORE_BATCH) {
      const batch = entries.slice(at, at + RESTORE_BATCH);
      const decoded = await Promise.allSettled(batch.map(({ raw }) => this.codec.admit(raw.slice())));
      batch.forEach(({ raw, receivedAtMs }, index) => {
        try {
          const result = decoded[index];
          if (result?.status !== "fulfilled") throw result?.reason;
          this.#admit(result.value, receivedAtMs);
        } catch (error) {
          if (!isCodedError(error)) throw error;
          gone.push(bytes32Of(keccak256(raw)));
        }
      });
    }
    await this.journal.remove(gone);
  }

  /** Brings the pool up to date with a stored checkpoint. */
  async settle(block: BlockWithReceipts, dropped: readonly DroppedTransaction[]): Promise<void> {
    const left = readState(this.states, block.header.stateRoot, (view) => [
      ...this.pool.afterBlock(block.transactions, dropped, (sender) => senderState(view, sender)),
      ...this.pool.expire(this.clock.now()),
    ]);
    const hashes = [...block.transactions, ...left].map(({ hash }) => hash);
    await this.#forget(hashes.map((hash) => ({ hash })));
  }

  #admit(transaction: SignedTransaction, nowMs: number): readonly DroppedTransaction[] {
    const head = this.blocks.head();
    if (head === undefined) return [];
    const sender = senderState(this.#viewOf(head.stateRoot), transaction.sender);
    return this.pool.add(transaction, sender, { nowMs, blockGasLimit: this.genesis.gasLimit });
  }

  /** One snapshot serves all admissions of a turn of the event loop; opening it costs more than reading from it. */
  #viewOf(root: Bytes32): StateView {
    if (this.#view?.root === root) return this.#view;
    this.#view?.[Symbol.dispose]();
    const view = this.states.snapshot(root);
    this.#view = view;
    setImmediate(() => {
      if (this.#view !== view) return;
      this.#view = undefined;
      view[Symbol.dispose]();
    });
    return view;
  }
}
