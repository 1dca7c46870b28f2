import { keccak256 } from "@aios/core-keccak/keccak";
import { bytes32Of } from "@aios/core-rlp/hex";
import { EMPTY_CODE_HASH } from "@aios/core-trie/empty-hashes";
import type { Clock } from "@aios/kernel/clock";
import { CodedError, isCodedError } from "@aios/kernel/coded-error";
import type { Address, Bytes32 } from "@aios/kernel/identifiers";
import { crashPoint } from "@aios/service-kit/crash-point";
import type { BlockWithReceipts } from "../domain/block.js";
import { isDelegation } from "../domain/delegation.js";
import { alreadyKnown } from "../domain/errors.js";
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
    limits: MempoolLimits,
  ) {
    this.pool = new TransactionPool(limits);
  }

  /** Who makes checkpoints wants to know that transactions wait. */
  whenAdmitted(wake: () => void): void {
    this.#onAdmitted = wake;
  }

  /** Admits raw bytes. Resolves with the hash when a crash no longer loses it. Throws the admission errors. */
  async submit(raw: Uint8Array): Promise<Bytes32> {
    const [decoded] = (await this.codec.admitAll([raw])) as [SignedTransaction | CodedError];
    if (decoded instanceof CodedError) throw decoded;
    const [refusal] = await this.admitAll([decoded]);
    if (refusal !== undefined) throw refusal;
    return decoded.hash;
  }

  /**
   * Admits what is decoded and checked, several at once. Resolves when a crash no longer loses it: with why not, of each
   * that is refused.
   */
  async admitAll(transactions: readonly SignedTransaction[]): Promise<readonly (CodedError | undefined)[]> {
    const receivedAtMs = this.clock.now();
    const admitted: SignedTransaction[] = [];
    const displaced: Bytes32[] = [];
    const refusals = transactions.map((transaction) => {
      const refusal = this.#takeIn(transaction, receivedAtMs, displaced);
      if (refusal === undefined) admitted.push(transaction);
      return refusal;
    });
    if (admitted.length === 0) return refusals;
    crashPoint("consensus.submit.before-journal");
    const failure = await this.#keep(admitted, receivedAtMs);
    if (failure !== undefined) return refusals.map((refusal) => refusal ?? failure);
    crashPoint("consensus.submit.after-journal");
    // One that was displaced may have come back while this waited for the disk.
    await this.#forget(displaced.filter((hash) => this.pool.get(hash) === undefined));
    for (const transaction of admitted) this.events.emit("admitted", transaction);
    this.#onAdmitted();
    return refusals;
  }

  /** Puts it into the pool, and what it displaces into the list. Why not, where it is refused. */
  #takeIn(transaction: SignedTransaction, nowMs: number, displaced: Bytes32[]): CodedError | undefined {
    try {
      for (const { hash } of this.#admit(transaction, nowMs)) displaced.push(hash);
      return undefined;
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      // What is in a block has used its nonce, so it is refused in any case: nothing is looked up for what is new.
      return this.blocks.placeOf(transaction.hash) === undefined ? error : alreadyKnown(transaction.hash);
    }
  }

  /** Whether an account has used a nonce in the latest state: what has it now waits for nothing any more. */
  hasUsed(sender: Address, nonce: number): boolean {
    const head = this.blocks.head();
    if (head === undefined) return false;
    return nonce < (this.#viewOf(head.stateRoot).account(sender)?.nonce ?? 0n);
  }

  /**
   * Takes over what a peer's mempool holds, decoded and with its sender recovered; the peer keeps it over a crash, this node
   * does not. Whether it is in the pool now.
   */
  takeOver(transaction: SignedTransaction): boolean {
    const displaced: Bytes32[] = [];
    if (this.#takeIn(transaction, this.clock.now(), displaced) !== undefined) return false;
    void this.#forget(displaced);
    this.events.emit("admitted", transaction);
    this.#onAdmitted();
    return true;
  }

  /** Nobody is told of transactions that could not be kept, and nobody finds them in a block. Why not, where so. */
  async #keep(
    transactions: readonly SignedTransaction[],
    receivedAtMs: number,
  ): Promise<CodedError | undefined> {
    try {
      await this.journal.add(transactions, receivedAtMs);
      return undefined;
    } catch (error) {
      const why = isCodedError(error)
        ? { code: error.code, reason: error.message }
        : { code: "not-kept", reason: "the node could not store it" };
      for (const { hash } of transactions) this.pool.withdraw(hash, why);
      await this.#forget(transactions.map(({ hash }) => hash));
      if (error instanceof CodedError) return error;
      throw error;
    }
  }

  /** What a full disk keeps in the journal is refused again after a restart. */
  async #forget(hashes: readonly Bytes32[]): Promise<void> {
    if (hashes.length === 0) return;
    await this.journal.remove(hashes).catch((error: unknown) => {
      if (!isCodedError(error) || error.kind !== "unavailable") throw error;
    });
  }

  /** Takes up what the last run left. Entries that no longer qualify are forgotten. */
  async restore(): Promise<void> {
    const gone: Bytes32[] = [];
    const entries = [...this.journal.entries()].sort((a, b) => a.receivedAtMs - b.receivedAtMs);
    for (let at = 0; at < entries.length; at += RESTORE_BATCH) {
      const batch = entries.slice(at, at + RESTORE_BATCH);
      const decoded = await this.codec.admitAll(batch.map(({ raw }) => raw.slice()));
      batch.forEach(({ raw, receivedAtMs }, index) => {
        try {
          const transaction = decoded[index] as SignedTransaction | CodedError;
          if (transaction instanceof CodedError) throw transaction;
          this.#admit(transaction, receivedAtMs);
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
    const gone: readonly { readonly hash: Bytes32 }[] =
      left.length === 0 ? block.transactions : [...block.transactions, ...left];
    await this.#forget(gone.map(({ hash }) => hash));
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
