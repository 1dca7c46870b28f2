import { DEFAULT_PATIENCE_MS } from "@aios/core-proving-queue/claim-order";
import {
  failureOf,
  isLeftToOthers,
  isSuspect,
  isWorthRepeating,
  LEFT_TO_OTHERS_MS,
  refusalToBegin,
  retryDelayMs,
  workTimedOut,
} from "@aios/core-proving-queue/work-policy";
import { type Claim, MAX_ENDED_AT_ONCE, type WorkQueue } from "@aios/core-proving-queue/work-queue";
import type { Clock } from "@aios/kernel/clock";
import type { CodedError } from "@aios/kernel/coded-error";
import type { DurationMs, TimestampMs } from "@aios/kernel/units";
import { codedErrorOf } from "@aios/service-kit/database-outage";
import { Bell, type Waker } from "./bell.js";

export interface WorkLoopOptions {
  readonly concurrency: number;
  readonly leaseMs: number;
  /** Longest time that one piece of work may take. */
  readonly timeoutMs: number;
  /** How often the queue is looked at when nobody rings. */
  readonly pollMs: number;
  /** Groups whose keys lie in memory, for the queue to choose by. Default: none. */
  readonly loaded?: () => readonly string[];
}

export interface WorkLoopHooks<T> {
  /** Does the work and writes its result under the claim's fencing token. */
  work(claim: Claim, work: T, signal: AbortSignal): Promise<void>;
  ended(outcome: "done" | "failed" | "repeated" | "lost", error: CodedError | undefined): void;
  /** Trouble with the queue itself. */
  problem(error: unknown): void;
}

/**
 * Takes work from a durable queue and holds a lease on it by heartbeats, so that the work of a dead process is taken
 * over when its lease ends. Passing trouble postpones the work; anything else ends it as failed. Work whose holder
 * vanished is done alone, so that it takes nothing with it, and ends as failed when it went on like that. What took all
 * this worker's time or memory is left to others first. Every loop ends what is past its deadline, also what it would not
 * take itself.
 */
export class WorkLoop<T> {
  readonly #stop = new AbortController();
  readonly #bell: Bell;
  #runners: Promise<void>[] = [];
  readonly #underWay = new Set<Promise<void>>();
  /** Work that took all this worker's time or memory, and until when others may have it first. */
  readonly #left = new Map<string, number>();
  /** Resolves when the suspect work ends that is done alone just now. */
  #alone: Promise<void> | undefined;

  constructor(
    private readonly queue: WorkQueue<T>,
    private readonly hooks: WorkLoopHooks<T>,
    private readonly clock: Clock,
    private readonly options: WorkLoopOptions,
  ) {
    this.#bell = new Bell(options.concurrency);
  }

  start(): void {
    this.#runners = Array.from({ length: this.options.concurrency }, () => this.#run());
    this.#runners.push(this.#look(), this.#endOverdue());
  }

  /** New work may be there. */
  ring(): void {
    this.#bell.ring("news");
  }

  /** Takes nothing more and gives what is under way back to the queue. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.#bell.close();
    await Promise.all(this.#runners);
  }

  async #run(): Promise<void> {
    let wokenBy: Waker = "clock";
    while (!this.#stop.signal.aborted) {
      try {
        await this.#alone;
        const { leaseMs, loaded } = this.options;
        const taken = await this.queue.claim({
          leaseMs,
          loaded: loaded?.() ?? [],
          patienceMs: DEFAULT_PATIENCE_MS,
          leaves: this.#leftToOthers(),
        });
        if (taken === undefined) {
          wokenBy = await this.#bell.wait();
          continue;
        }
        // What nobody rang for may be more than this.
        if (wokenBy === "clock") this.#bell.ring("clock");
        await this.#take(taken.claim, taken.work);
      } catch (error) {
        this.hooks.problem(error);
        await this.#pause(this.options.pollMs);
      }
    }
  }

  /** For what nobody rings for: work of others, and what was put off. */
  async #look(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await this.#pause(this.options.pollMs);
      this.#bell.ring("clock");
    }
  }

  async #endOverdue(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        const ended = await this.queue.endOverdue();
        for (let count = 0; count < ended; count++) this.hooks.ended("failed", undefined);
        if (ended >= MAX_ENDED_AT_ONCE) continue;
      } catch (error) {
        this.hooks.problem(error);
      }
      await this.#pause(this.options.leaseMs);
    }
  }

  async #take(claim: Claim, work: T): Promise<void> {
    const refusal = refusalToBegin(claim, this.clock.now());
    if (refusal !== undefined) return this.#giveUp(claim, refusal);
    // Suspect work began while this was being taken.
    if (this.#alone !== undefined) return this.queue.postpone(claim, this.clock.now());
    const others = Promise.allSettled([...this.#underWay]);
    const doing = this.#do(claim, work, isSuspect(claim) ? others : undefined);
    this.#underWay.add(doing);
    if (isSuspect(claim))
      this.#alone = doing.then(
        () => undefined,
        () => undefined,
      );
    try {
      await doing;
    } finally {
      this.#underWay.delete(doing);
      if (isSuspect(claim)) this.#alone = undefined;
    }
  }

  async #pause(durationMs: number): Promise<void> {
    await this.clock.wait(durationMs as DurationMs, this.#stop.signal).catch(() => undefined);
  }

  async #do(claim: Claim, work: T, before: Promise<unknown> | undefined): Promise<void> {
    const ended = new AbortController();
    const lost = new AbortController();
    const heartbeat = this.#holdLease(claim, ended.signal, lost);
    await before;
    const timeout = AbortSignal.timeout(this.options.timeoutMs);
    const signal = AbortSignal.any([this.#stop.signal, lost.signal, timeout]);
    try {
      await this.hooks.work(claim, work, signal);
      this.hooks.ended("done", undefined);
    } catch (error) {
      const coded = codedErrorOf(error);
      // Whatever was ended by the time running out says so in its own words, as if it were passing trouble.
      const isTimeout = timeout.aborted && isWorthRepeating(coded, 0);
      const reason = isTimeout ? workTimedOut(this.options.timeoutMs, error) : coded;
      await this.#afterFailure(claim, reason, lost.signal.aborted);
    } finally {
      ended.abort();
      await heartbeat;
    }
  }

  async #afterFailure(claim: Claim, error: CodedError, isLost: boolean): Promise<void> {
    if (isLost || error.code === "work-lease-lost") return this.hooks.ended("lost", error);
    if (this.#stop.signal.aborted) {
      await this.queue.postpone(claim, this.clock.now());
      return this.hooks.ended("repeated", error);
    }
    if (isWorthRepeating(error, claim.attempts)) {
      if (isLeftToOthers(error)) this.#left.set(claim.id, this.clock.now() + LEFT_TO_OTHERS_MS);
      const delayMs = Math.max(retryDelayMs(claim.attempts), Math.min(error.retryAfterMs ?? 0, 10_000));
      await this.queue.postpone(claim, (this.clock.now() + delayMs) as TimestampMs);
      return this.hooks.ended("repeated", error);
    }
    await this.#giveUp(claim, error);
  }

  #leftToOthers(): readonly string[] {
    const nowMs = this.clock.now();
    for (const [id, untilMs] of this.#left) if (untilMs <= nowMs) this.#left.delete(id);
    return [...this.#left.keys()];
  }

  async #giveUp(claim: Claim, error: CodedError): Promise<void> {
    await this.queue.fail(claim, failureOf(error));
    this.hooks.ended("failed", error);
  }

  async #holdLease(claim: Claim, ended: AbortSignal, lost: AbortController): Promise<void> {
    for (;;) {
      const isOver = await this.clock.wait((this.options.leaseMs / 3) as DurationMs, ended).then(
        () => false,
        () => true,
      );
      if (isOver) return;
      try {
        if (await this.queue.renew(claim, this.options.leaseMs)) continue;
        lost.abort();
        return;
      } catch (error) {
        // The database may be away for a moment; the fencing token protects the result if the lease ends meanwhile.
        this.hooks.problem(error);
      }
    }
  }
}
