import type { Address, Bytes32 } from "@aios/kernel/identifiers";
import {
  alreadyKnown,
  gasLimitExceeded,
  insufficientFunds,
  intrinsicGasTooLow,
  mempoolFull,
  nonceTooHigh,
  nonceTooLow,
  oversized,
  replacementUnderpriced,
  senderLimitReached,
  senderNotExternallyOwned,
  underpriced,
} from "./errors.js";
import { EvictionQueue } from "./eviction-queue.js";
import type { DroppedTransaction, PooledTransaction } from "./ports.js";
import { SenderQueue } from "./sender-queue.js";
import { effectiveTip, maximumCost, type SignedTransaction } from "./transaction.js";

export interface MempoolLimits {
  readonly maxTransactions: number;
  readonly maxTotalBytes: number;
  readonly maxTransactionBytes: number;
  readonly maxPerSender: number;
  /** How far beyond the account's nonce a transaction may be. */
  readonly maxNonceGap: number;
  readonly replacementBumpPercent: number;
  readonly minTipPerGas: bigint;
  readonly expiryMs: number;
  /** Kept reasons of transactions that left without being executed. */
  readonly maxRememberedDrops: number;
}

/** The part of the latest state that admission looks at. */
export interface SenderState {
  readonly nonce: bigint;
  readonly balance: bigint;
  readonly hasContractCode: boolean;
}

export interface ChainConditions {
  readonly nowMs: number;
  readonly blockGasLimit: bigint;
}

/** Why a transaction is not in a block yet. */
export type PendingReason =
  | { readonly code: "ready" }
  | { readonly code: "nonce-gap"; readonly missingNonce: bigint }
  | {
      readonly code: "behind-own-transaction";
      readonly waitsForNonce: bigint;
      readonly because: "fee-below-base-fee";
    }
  | { readonly code: "fee-below-base-fee"; readonly maxFeePerGas: bigint; readonly baseFeePerGas: bigint };

/**
 * Transactions that wait for a checkpoint. Pure: time and account state come with each call. Invariants: never more
 * than the limits; one transaction per sender and nonce; nothing below its sender's known nonce; every transaction
 * that leaves unexecuted leaves a reason.
 */
export class TransactionPool {
  readonly #byHash = new Map<Bytes32, PooledTransaction>();
  readonly #bySender = new Map<Address, SenderQueue>();
  readonly #nonces = new Map<Address, bigint>();
  readonly #drops = new Map<Bytes32, DroppedTransaction>();
  /** Chosen to leave in the admission that is going on. */
  readonly #leaving = new Set<PooledTransaction>();
  readonly #evictions = new EvictionQueue(
    (entry) => this.#tailOf(entry.transaction.sender) === entry,
    () => this.#bySender.size,
  );
  #onLeft: (transaction: SignedTransaction) => void = () => {};
  #nextArrival = 0;
  #bytes = 0;
  #revision = 0;

  constructor(private readonly limits: MempoolLimits) {}

  get size(): number {
    return this.#byHash.size;
  }

  get totalBytes(): number {
    return this.#bytes;
  }

  /** Changes with every change of content. */
  get revision(): number {
    return this.#revision;
  }

  /** Who hands transactions on wants to know which ones are not here any more, for whatever reason. */
  whenLeft(tell: (transaction: SignedTransaction) => void): void {
    this.#onLeft = tell;
  }

  get(hash: Bytes32): PooledTransaction | undefined {
    return this.#byHash.get(hash);
  }

  dropped(hash: Bytes32): DroppedTransaction | undefined {
    return this.#drops.get(hash);
  }

  /** Checks that need no state and no pool; cheap ones first. Throws the admission errors of `errors.ts`. */
  checkShape(transaction: SignedTransaction, conditions: ChainConditions): void {
    const size = transaction.raw.length;
    if (size > this.limits.maxTransactionBytes) throw oversized(size, this.limits.maxTransactionBytes);
    if (transaction.gasLimit > conditions.blockGasLimit) throw gasLimitExceeded(conditions.blockGasLimit);
    if (transaction.gasLimit < transaction.minimumGas) {
      throw intrinsicGasTooLow(transaction.gasLimit, transaction.minimumGas);
    }
    if (transaction.maxPriorityFeePerGas < this.limits.minTipPerGas) {
      throw underpriced(`the priority fee is below ${this.limits.minTipPerGas} wei per gas`);
    }
  }

  /**
   * Admits a transaction and returns those that it displaced. Throws the admission errors of `errors.ts`, and then
   * nothing has changed.
   */
  add(
    transaction: SignedTransaction,
    sender: SenderState,
    conditions: ChainConditions,
  ): readonly DroppedTransaction[] {
    if (this.#byHash.has(transaction.hash)) throw alreadyKnown(transaction.hash);
    this.checkShape(transaction, conditions);
    const queue = this.#bySender.get(transaction.sender);
    this.#checkSender(transaction, sender, queue);
    const replaced = queue?.at(transaction.nonce);
    if (replaced !== undefined) this.#checkReplacement(transaction, replaced.transaction);
    else if (queue !== undefined && queue.length >= this.limits.maxPerSender)
      throw senderLimitReached(this.limits.maxPerSender);
    const evicted = this.#makeRoom(transaction, replaced);
    const dropped: DroppedTransaction[] = [];
    const drop = (entry: PooledTransaction, code: string, reason: string): void => {
      dropped.push(this.#drop(entry, { code, reason }));
    };
    if (replaced !== undefined)
      drop(replaced, "replaced", `replaced by ${transaction.hash} with a higher fee`);
    for (const entry of evicted) drop(entry, "evicted", "the pool was full and others paid more");
    this.#insert({ transaction, arrival: this.#nextArrival++, receivedAtMs: conditions.nowMs });
    this.#nonces.set(transaction.sender, sender.nonce);
    this.#drops.delete(transaction.hash);
    return dropped;
  }

  /** Per sender, the transactions that could run now at this base fee, in nonce order without gaps. */
  executable(baseFeePerGas: bigint): Map<Address, readonly PooledTransaction[]> {
    const out = new Map<Address, readonly PooledTransaction[]>();
    for (const sender of this.#bySender.keys()) {
      const run = this.executableOf(sender, baseFeePerGas);
      if (run.length > 0) out.set(sender, run);
    }
    return out;
  }

  /**
   * Of one sender, the transactions that could run now at this base fee, in nonce order without gaps; from a nonce on where
   * those before it are known to run. Cost: those that are looked at.
   */
  executableOf(sender: Address, baseFeePerGas: bigint, fromNonce?: bigint): readonly PooledTransaction[] {
    const run: PooledTransaction[] = [];
    const queue = this.#bySender.get(sender);
    let expected = fromNonce ?? this.#nonces.get(sender) ?? 0n;
    for (const entry of (fromNonce === undefined ? queue?.entries : queue?.from(fromNonce)) ?? []) {
      if (entry.transaction.nonce !== expected || effectiveTip(entry.transaction, baseFeePerGas) < 0n) break;
      run.push(entry);
      expected++;
    }
    return run;
  }

  hasExecutable(baseFeePerGas: bigint): boolean {
    for (const [sender, queue] of this.#bySender) {
      const first = queue.first();
      if (first === undefined || first.transaction.nonce !== this.#nonces.get(sender)) continue;
      if (effectiveTip(first.transaction, baseFeePerGas) >= 0n) return true;
    }
    return false;
  }

  /** The nonce that the sender's next transaction should have, counting those that wait without a gap. */
  nextNonce(sender: Address, accountNonce: bigint): bigint {
    let next = accountNonce;
    for (const entry of this.#bySender.get(sender)?.entries ?? []) {
      if (entry.transaction.nonce === next) next++;
    }
    return next;
  }

  /** Takes the included ones out, tells the pool the new states of their senders, and drops what can no longer run. */
  afterBlock(
    included: readonly SignedTransaction[],
    dropped: readonly DroppedTransaction[],
    stateOf: (sender: Address) => SenderState,
  ): readonly DroppedTransaction[] {
    const out: DroppedTransaction[] = [];
    const senders = new Set<Address>();
    for (const transaction of included) {
      senders.add(transaction.sender);
      const entry = this.#byHash.get(transaction.hash);
      if (entry !== undefined) this.#take(entry);
    }
    for (const drop of dropped) {
      const entry = this.#byHash.get(drop.hash);
      if (entry === undefined) continue;
      senders.add(entry.transaction.sender);
      out.push(this.#drop(entry, drop));
    }
    for (const sender of senders) out.push(...this.#refresh(sender, stateOf(sender)));
    return out;
  }

  /** Takes an admission back that could not be kept; what it displaced stays away. */
  withdraw(hash: Bytes32, why: Pick<DroppedTransaction, "code" | "reason">): void {
    const entry = this.#byHash.get(hash);
    if (entry === undefined) return;
    const { sender } = entry.transaction;
    this.#drop(entry, why);
    if (!this.#bySender.has(sender)) this.#nonces.delete(sender);
  }

  /** Drops what has waited longer than the expiry. */
  expire(nowMs: number): readonly DroppedTransaction[] {
    const out: DroppedTransaction[] = [];
    // In the order of arrival: the first that is young enough ends the search.
    for (const entry of this.#byHash.values()) {
      if (nowMs - entry.receivedAtMs < this.limits.expiryMs) break;
      out.push(
        this.#drop(entry, { code: "expired", reason: `waited longer than ${this.limits.expiryMs} ms` }),
      );
    }
    return out;
  }

  whyPending(hash: Bytes32, baseFeePerGas: bigint): PendingReason | undefined {
    const entry = this.#byHash.get(hash);
    if (entry === undefined) return undefined;
    const { transaction } = entry;
    let expected = this.#nonces.get(transaction.sender) ?? 0n;
    for (const earlier of this.#bySender.get(transaction.sender)?.entries ?? []) {
      if (earlier.transaction.nonce > expected) return { code: "nonce-gap", missingNonce: expected };
      const tooCheap = effectiveTip(earlier.transaction, baseFeePerGas) < 0n;
      if (earlier === entry) {
        return tooCheap
          ? { code: "fee-below-base-fee", maxFeePerGas: transaction.maxFeePerGas, baseFeePerGas }
          : { code: "ready" };
      }
      if (tooCheap)
        return { code: "behind-own-transaction", waitsForNonce: expected, because: "fee-below-base-fee" };
      expected++;
    }
    return undefined;
  }

  /** All transactions, by sender, in nonce order. */
  content(): ReadonlyMap<Address, readonly PooledTransaction[]> {
    return new Map([...this.#bySender].map(([sender, queue]) => [sender, queue.entries]));
  }

  /** The nonce of the sender when last seen. */
  knownNonce(sender: Address): bigint {
    return this.#nonces.get(sender) ?? 0n;
  }

  #checkSender(transaction: SignedTransaction, sender: SenderState, queue: SenderQueue | undefined): void {
    if (sender.hasContractCode) throw senderNotExternallyOwned();
    if (transaction.nonce < sender.nonce) throw nonceTooLow(sender.nonce, transaction.nonce);
    const furthest = sender.nonce + BigInt(this.limits.maxNonceGap);
    if (transaction.nonce > furthest) throw nonceTooHigh(furthest, transaction.nonce);
    // All that this sender could spend before this one runs; an approximation from above, as in Geth.
    const cost = maximumCost(transaction) + (queue?.costBefore(transaction.nonce) ?? 0n);
    if (cost > sender.balance) throw insufficientFunds(sender.balance, cost);
  }

  #checkReplacement(transaction: SignedTransaction, previous: SignedTransaction): void {
    const percent = BigInt(100 + this.limits.replacementBumpPercent);
    const enough = (now: bigint, before: bigint): boolean => now > before && now * 100n >= before * percent;
    const ok =
      enough(transaction.maxFeePerGas, previous.maxFeePerGas) &&
      (previous.maxPriorityFeePerGas === 0n ||
        enough(transaction.maxPriorityFeePerGas, previous.maxPriorityFeePerGas));
    if (!ok) throw replacementUnderpriced(this.limits.replacementBumpPercent);
  }

  /**
   * Whom to evict so that the newcomer fits. Only the last transaction of another sender leaves, the cheapest first and
   * of equals the youngest; one that pays as much as the newcomer stays.
   */
  #makeRoom(transaction: SignedTransaction, replaced: PooledTransaction | undefined): PooledTransaction[] {
    let count = this.#byHash.size + (replaced === undefined ? 1 : 0);
    let bytes = this.#bytes - (replaced?.transaction.raw.length ?? 0) + transaction.raw.length;
    const evicted: PooledTransaction[] = [];
    const passedOver: PooledTransaction[] = [];
    let isFull = false;
    while (!isFull && (count > this.limits.maxTransactions || bytes > this.limits.maxTotalBytes)) {
      const victim = this.#evictions.pop();
      if (victim === undefined) isFull = true;
      else if (victim.transaction.sender === transaction.sender) passedOver.push(victim);
      else {
        evicted.push(victim);
        this.#leaving.add(victim);
        const next = this.#tailOf(victim.transaction.sender);
        if (next !== undefined) this.#evictions.push(next);
        isFull = victim.transaction.maxFeePerGas >= transaction.maxFeePerGas;
        count--;
        bytes -= victim.transaction.raw.length;
      }
    }
    this.#leaving.clear();
    for (const entry of isFull ? [...passedOver, ...evicted] : passedOver) this.#evictions.push(entry);
    if (isFull) throw mempoolFull();
    return evicted;
  }

  /** The last transaction of a sender but for those that are leaving. */
  #tailOf(sender: Address): PooledTransaction | undefined {
    return this.#bySender.get(sender)?.entries.findLast((entry) => !this.#leaving.has(entry));
  }

  #refresh(sender: Address, state: SenderState): DroppedTransaction[] {
    this.#nonces.set(sender, state.nonce);
    const queue = this.#bySender.get(sender);
    if (queue?.canAllRun(state)) return [];
    const out: DroppedTransaction[] = [];
    for (const entry of [...(queue?.entries ?? [])]) {
      const { transaction } = entry;
      const cost = maximumCost(transaction);
      const error =
        transaction.nonce < state.nonce
          ? nonceTooLow(state.nonce, transaction.nonce)
          : cost > state.balance
            ? insufficientFunds(state.balance, cost)
            : undefined;
      if (error !== undefined) out.push(this.#drop(entry, { code: error.code, reason: error.message }));
    }
    if (!this.#bySender.has(sender)) this.#nonces.delete(sender);
    return out;
  }

  #insert(entry: PooledTransaction): void {
    const { transaction } = entry;
    this.#byHash.set(transaction.hash, entry);
    let queue = this.#bySender.get(transaction.sender);
    if (queue === undefined) {
      queue = new SenderQueue();
      this.#bySender.set(transaction.sender, queue);
    }
    if (queue.insert(entry)) this.#evictions.push(entry);
    this.#bytes += transaction.raw.length;
    this.#revision++;
  }

  #take(entry: PooledTransaction): void {
    const { transaction } = entry;
    this.#byHash.delete(transaction.hash);
    const queue = this.#bySender.get(transaction.sender);
    const wasLast = queue?.remove(entry) ?? false;
    const tail = queue?.last();
    if (tail !== undefined && wasLast) this.#evictions.push(tail);
    if (queue === undefined || queue.isEmpty) {
      this.#bySender.delete(transaction.sender);
      this.#nonces.delete(transaction.sender);
    }
    this.#bytes -= transaction.raw.length;
    this.#revision++;
    this.#onLeft(transaction);
  }

  #drop(
    entry: PooledTransaction,
    why: { readonly code: string; readonly reason: string },
  ): DroppedTransaction {
    this.#take(entry);
    const drop = { hash: entry.transaction.hash, code: why.code, reason: why.reason };
    this.#drops.set(drop.hash, drop);
    if (this.#drops.size > this.limits.maxRememberedDrops) {
      this.#drops.delete(this.#drops.keys().next().value as Bytes32);
    }
    return drop;
  }
}
