import type { Clock } from "@aios/kernel/clock";
import { type CodedError, isCodedError } from "@aios/kernel/coded-error";
import type { Address } from "@aios/kernel/identifiers";
import {
  type Attempt,
  type ChainTransaction,
  LANES,
  type Lane,
  type Signer,
  type TransactionFailure,
} from "../domain/chain-transaction.js";
import { nonceTaken, simulationFailed } from "../domain/errors.js";
import { type FeeSettings, gasLimitFor, initialFees, replacementFees } from "../domain/fee-policy.js";
import type { GasRule } from "../domain/gas-policy.js";
import type { Assignment, ChainNode, SignerVault, TransactionStore } from "../domain/ports.js";
import { inRequestTrace } from "./request-trace.js";
import type { TransactionFeed } from "./transaction-feed.js";

/** Most that is tried at once, signed in one database transaction and broadcast. */
const BATCH = 64;
/** Of the places in flight so many parts are there, and so many of them a lane may take: neither shuts the other out. */
const PARTS = 16;
const PARTS_OF_LANE: Readonly<Record<Lane, number>> = { money: 15, sponsored: 4 };

export interface PipelineSettings extends FeeSettings {
  readonly maxInFlight: number;
  /** A sent transaction that is not mined after this long is broadcast again, then replaced. */
  readonly stuckAfterMs: number;
  /** A request that cannot even be tried although the chain answers (no gas funds, say) fails after this long. */
  readonly giveUpAfterMs: number;
}

export interface PipelineObserver {
  sent(signer: Signer, count: number): void;
  replaced(signer: Signer): void;
  refused(signer: Signer, errorCode: string): void;
  problem(message: string, error: unknown): void;
  /** Boundaries at which tests kill the process. */
  crashPoint(name: string): void;
}

/**
 * One signer's way to the chain: try → give a nonce, sign, store → broadcast → watch. The store decides every
 * step, so a new process goes on where the old one stopped: it broadcasts the same bytes again.
 */
export class SignerPipeline {
  #running: Promise<void> | undefined;
  #wanted = false;
  #stopped = false;
  readonly #queuedSinceMs = new Map<string, number>();

  constructor(
    readonly signer: Signer,
    private readonly address: Address,
    private readonly chainId: bigint,
    private readonly node: ChainNode,
    private readonly vault: SignerVault,
    private readonly store: TransactionStore,
    private readonly feed: TransactionFeed,
    private readonly gasRuleOf: (transaction: ChainTransaction) => GasRule,
    private readonly clock: Clock,
    private readonly settings: PipelineSettings,
    private readonly observer: PipelineObserver,
  ) {}

  /** Before the first `wake`: never starts below a nonce that the chain has already seen. */
  async open(): Promise<void> {
    await this.store.openSigner(this.signer, this.address, await this.node.nonce(this.address, "latest"));
  }

  /** Something was queued, or the head moved. Calls made while it works lead to one more pass. */
  wake(): void {
    this.#wanted = true;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#wanted && !this.#stopped) {
      this.#wanted = false;
      try {
        await this.#sendQueued();
      } catch (error) {
        this.observer.problem(
          `${this.signer}: queued transactions were not sent; trying again at the next head`,
          error,
        );
      }
    }
  }

  async #sendQueued(): Promise<void> {
    for (const lane of LANES) {
      let after = 0n;
      // Past those that wait: they keep nobody waiting who has nothing to do with them.
      while (!this.#stopped) {
        const page = await this.#page(lane, after);
        const last = page.at(-1);
        if (last === undefined) break;
        await this.#send(page);
        after = last.sequence;
      }
    }
  }

  async #page(lane: Lane, after: bigint): Promise<readonly ChainTransaction[]> {
    const { maxInFlight } = this.settings;
    const inFlight = await this.store.countInFlight(this.signer);
    const ofLane = Math.max(1, Math.floor((maxInFlight * PARTS_OF_LANE[lane]) / PARTS));
    const room = Math.min(maxInFlight - inFlight.money - inFlight.sponsored, ofLane - inFlight[lane]);
    return room <= 0 ? [] : this.store.queued(this.signer, lane, after, Math.min(BATCH, room));
  }

  async #send(queued: readonly ChainTransaction[]): Promise<void> {
    const fees = initialFees(await this.node.baseFeePerGasWei(), this.settings);
    // Read before the trials: what they miss, they miss for a reason that may go away.
    const missing = await this.store.missingEarlier(queued.map(({ id }) => id));
    const gasLimits = await Promise.all(
      queued.map((transaction) => {
        const missesEarlier = missing.has(transaction.id);
        // One that cannot be judged must not keep the others waiting.
        return this.#gasLimit(transaction, missesEarlier).catch((error: unknown) => {
          this.observer.problem(`${this.signer}: ${transaction.purpose} waits: it was not judged`, error);
          return undefined;
        });
      }),
    );
    const assignments: Assignment[] = [];
    queued.forEach((transaction, index) => {
      const gasLimit = gasLimits[index];
      if (gasLimit !== undefined) assignments.push({ transactionId: transaction.id, gasLimit, fees });
    });
    if (assignments.length === 0) return;
    this.observer.crashPoint("economy.send.before-store");
    const attempts = await this.store.assign(
      this.signer,
      assignments,
      (transaction, nonce, assignment) =>
        this.vault.sign(this.signer, {
          chainId: this.chainId,
          nonce,
          to: transaction.to,
          data: transaction.data,
          valueWei: transaction.valueWei,
          gasLimit: assignment.gasLimit,
          ...assignment.fees,
        }),
      this.clock.now(),
    );
    this.observer.crashPoint("economy.send.after-store");
    for (const attempt of attempts) this.#queuedSinceMs.delete(attempt.transactionId);
    await this.#broadcast(attempts, new Map(queued.map((transaction) => [transaction.id, transaction])));
    this.observer.crashPoint("economy.send.after-broadcast");
    this.observer.sent(this.signer, attempts.length);
    this.feed.announce(attempts.map((attempt) => attempt.transactionId));
  }

  /** The limit it is sent under; `undefined` when it waits or was refused for good. */
  async #gasLimit(transaction: ChainTransaction, missesEarlier: boolean): Promise<bigint | undefined> {
    const rule = this.gasRuleOf(transaction);
    if (rule.kind === "bounded") return rule.gasLimit;
    const { to, data, valueWei } = transaction;
    const call = { from: this.address, to, data, valueWei };
    try {
      if (rule.kind === "estimated") return gasLimitFor(await this.node.estimateGas(call));
      await this.node.tryCall(call, rule.gasLimit);
      return rule.gasLimit;
    } catch (error) {
      const reason = isCodedError(error) ? error : simulationFailed(error);
      if (this.#isFinal(transaction, reason, missesEarlier)) await this.#refuse(transaction, reason);
      else if (!isVerdict(reason)) {
        this.observer.problem(`${this.signer}: ${transaction.purpose} waits: ${reason.message}`, error);
      }
      return undefined;
    }
  }

  /** Whether the request ends with this; what waits for earlier ones or for the chain is never given up. */
  #isFinal(transaction: ChainTransaction, reason: CodedError, missesEarlier: boolean): boolean {
    if (isVerdict(reason)) return !missesEarlier;
    if (reason.code !== "chain-unavailable") return this.#waitedTooLong(transaction);
    this.#queuedSinceMs.delete(transaction.id);
    return false;
  }

  #waitedTooLong(transaction: ChainTransaction): boolean {
    const since = this.#queuedSinceMs.get(transaction.id);
    if (since === undefined) {
      this.#queuedSinceMs.set(transaction.id, this.clock.now());
      return false;
    }
    return this.clock.now() - since > this.settings.giveUpAfterMs;
  }

  async #refuse(transaction: ChainTransaction, error: CodedError): Promise<void> {
    this.#queuedSinceMs.delete(transaction.id);
    await this.#fail(transaction.id, { code: error.code, message: error.message, details: error.details });
    // What may have built on it can be judged now.
    this.#wanted = true;
  }

  async #fail(transactionId: string, failure: TransactionFailure): Promise<void> {
    await this.store.fail(transactionId, failure, this.clock.now());
    this.observer.refused(this.signer, failure.code);
    this.feed.announce([transactionId]);
  }

  /** True when the node took all of them. */
  async #broadcast(
    attempts: readonly Attempt[],
    transactions: ReadonlyMap<string, ChainTransaction>,
  ): Promise<boolean> {
    const accepted = await Promise.all(
      attempts.map(async (attempt) => {
        const transaction = transactions.get(attempt.transactionId);
        try {
          return (await this.#broadcastOne(attempt, transaction)) ? [attempt.hash] : [];
        } catch (error) {
          // It is stored: the rescue sends it again. The others of the pass are noted as sent.
          this.observer.problem(`${this.signer}: ${attempt.hash} was not broadcast`, error);
          return [];
        }
      }),
    );
    const hashes = accepted.flat();
    if (hashes.length > 0) await this.store.markBroadcast(hashes, this.clock.now());
    return hashes.length === attempts.length;
  }

  /** Part of the trace of the request that queued it. */
  #broadcastOne(attempt: Attempt, transaction: ChainTransaction | undefined): Promise<boolean> {
    const attributes = { "aios.chain.transaction_hash": attempt.hash, "aios.chain.signer": this.signer };
    return inRequestTrace(transaction?.traceparent ?? "", "broadcast transaction", attributes, async () => {
      const result = await this.node.broadcast(attempt.raw);
      if (result.kind === "accepted" || (await this.node.knows(attempt.hash))) return true;
      this.observer.problem(`${this.signer}: the node refused ${attempt.hash}: ${result.reason}`, undefined);
      return false;
    });
  }

  /**
   * Looks after everything that is sent and not mined: what the node no longer holds is broadcast again, the same
   * bytes; the first in line, when it stays too long, is replaced at a higher fee. `force` broadcasts all (start).
   */
  async rescue(force: boolean): Promise<void> {
    const sent = await this.store.sent(this.signer, this.settings.maxInFlight);
    const now = this.clock.now();
    const chainNonce = sent.length === 0 ? 0n : await this.node.nonce(this.address, "latest");
    for (const { transaction, attempts } of sent) {
      const newest = attempts.at(-1);
      if (newest === undefined || transaction.nonce === undefined) continue;
      if (transaction.nonce < chainNonce) {
        await this.#settleUsedNonce(transaction, attempts);
        continue;
      }
      const lost = newest.broadcastAtMs === undefined || !(await this.node.knows(newest.hash));
      // Seen anew by the node, it gets its full time again before it is replaced.
      if ((force || lost) && (await this.#broadcast([newest], new Map([[transaction.id, transaction]]))))
        continue;
      const ageMs = now - (newest.broadcastAtMs ?? newest.createdAtMs);
      if (transaction.nonce === chainNonce && ageMs >= this.settings.stuckAfterMs) {
        await this.#replace(transaction, newest);
      }
    }
  }

  /** The nonce is used: by one of our forms (the indexer will meet it), or by somebody else for good. */
  async #settleUsedNonce(transaction: ChainTransaction, attempts: readonly Attempt[]): Promise<void> {
    const nonce = transaction.nonce;
    if (nonce === undefined || (await this.node.nonce(this.address, "finalized")) <= nonce) return;
    for (const attempt of attempts) if (await this.node.knows(attempt.hash)) return;
    const error = nonceTaken(this.signer, nonce);
    await this.#fail(transaction.id, { code: error.code, message: error.message, details: error.details });
  }

  async #replace(transaction: ChainTransaction, previous: Attempt): Promise<void> {
    const fees = replacementFees(previous, await this.node.baseFeePerGasWei(), this.settings);
    if (fees === undefined || transaction.nonce === undefined || transaction.gasLimit === undefined) {
      this.observer.problem(
        `${this.signer}: ${transaction.id} is stuck at the highest fee allowed`,
        undefined,
      );
      return;
    }
    const signed = this.vault.sign(this.signer, {
      chainId: this.chainId,
      nonce: transaction.nonce,
      to: transaction.to,
      data: transaction.data,
      valueWei: transaction.valueWei,
      gasLimit: transaction.gasLimit,
      ...fees,
    });
    const attempt: Attempt = {
      ...signed,
      ...fees,
      transactionId: transaction.id,
      number: previous.number + 1,
      createdAtMs: this.clock.now(),
      broadcastAtMs: undefined,
    };
    this.observer.crashPoint("economy.replace.before-store");
    if (!(await this.store.addAttempt(attempt))) return;
    this.observer.crashPoint("economy.replace.after-store");
    await this.#broadcast([attempt], new Map([[transaction.id, transaction]]));
    this.observer.replaced(this.signer);
    this.feed.announce([transaction.id]);
  }
}

/** What the contracts themselves say to the call; true as long as the state is the same. */
function isVerdict(reason: CodedError): boolean {
  return reason.code === "reverted" || reason.code === "execution-halted";
}
