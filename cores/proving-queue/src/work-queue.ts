import { CodedError } from "@aios/kernel/coded-error";
import type { TimestampMs } from "@aios/kernel/units";

/** One unit of work held by a worker until its lease ends. Only the highest token may write a result. */
export interface Claim {
  readonly id: string;
  readonly fencingToken: bigint;
  /** How often it was taken, this time included. */
  readonly attempts: number;
  /** How often its holder vanished: the lease ran out with neither a result nor a word. */
  readonly abandonments: number;
  /** Nobody wants the result after this. */
  readonly deadline: TimestampMs | undefined;
  readonly traceHeaders: Readonly<Record<string, string>>;
}

export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/** Who asks for work. */
export interface WorkerState {
  readonly leaseMs: number;
  /** Groups (models) whose keys the worker has in memory: work of these comes first where nothing else is pressing. */
  readonly loaded: readonly string[];
  /** Work that waited so long goes before work of a loaded group, so that keeping keys in memory starves nobody. */
  readonly patienceMs: number;
  /** Work by its id that the worker leaves to others for now; see `isLeftToOthers`. Default: none. */
  readonly leaves?: readonly string[];
}

/**
 * A queue of work that outlives processes. Work belongs to a group (a model), has a priority and perhaps a deadline; see
 * `compareForClaim` for who is served first. Any number of workers take from it.
 */
export interface WorkQueue<T> {
  /** The first work that is due and that nobody holds; takes it for `leaseMs`. */
  claim(worker: WorkerState): Promise<{ readonly claim: Claim; readonly work: T } | undefined>;
  /** Extends the lease; false when it was lost. */
  renew(claim: Claim, leaseMs: number): Promise<boolean>;
  /** Ends the lease so that the work is due again at the given time. Nothing happens when the lease is lost. */
  postpone(claim: Claim, until: TimestampMs): Promise<void>;
  /** Ends the work without a result. Throws `work-lease-lost`. */
  fail(claim: Claim, failure: Failure): Promise<void>;
  /**
   * Ends as failed (`deadline-passed`) work that nobody wants any more and nobody holds, whether or not any worker would
   * take it; at most `MAX_ENDED_AT_ONCE`. Answers how much.
   */
  endOverdue(): Promise<number>;
  /** Work that has not ended, held or not. */
  depth(): Promise<number>;
  /** Where waiting work stands; undefined where somebody holds it, where it has ended and where there is none. */
  place(id: string): Promise<QueuePlace | undefined>;
}

/**
 * How many are served before, itself included, of how many that nobody holds. Which models workers have loaded is not
 * known to whoever asks: work of those may overtake.
 */
export interface QueuePlace {
  /** From 1 on. */
  readonly place: number;
  readonly waiting: number;
}

/** So that one call stays short. */
export const MAX_ENDED_AT_ONCE = 100;

/** Another worker took the work over, or it was asked for anew with other values. */
export function leaseLost(): CodedError {
  return new CodedError({ code: "work-lease-lost", kind: "conflict", message: "This work was taken over." });
}
