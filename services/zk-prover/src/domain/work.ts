import type { CodedError, ErrorKind } from "@aios/kernel/coded-error";
import type { TimestampMs } from "@aios/kernel/units";

/** One unit of work held by this process until its lease ends. Only the highest token may write a result. */
export interface Claim {
  readonly id: string;
  readonly fencingToken: bigint;
  /** How often it was taken, this time included. */
  readonly attempts: number;
  /** How often its holder vanished: the lease ran out with neither a result nor a word. */
  readonly abandonments: number;
  readonly traceHeaders: Readonly<Record<string, string>>;
}

export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/** A queue of work that outlives processes. */
export interface WorkQueue<T> {
  /** The oldest work that is due and that nobody holds; takes it for `leaseMs`. */
  claim(leaseMs: number): Promise<{ readonly claim: Claim; readonly work: T } | undefined>;
  /** Extends the lease; false when it was lost. */
  renew(claim: Claim, leaseMs: number): Promise<boolean>;
  /** Ends the lease so that the work is due again at the given time. */
  postpone(claim: Claim, until: TimestampMs): Promise<void>;
  /** Ends the work without a result. Throws `work-lease-lost`. */
  fail(claim: Claim, failure: Failure): Promise<void>;
}

/** How often work is taken at most while it fails for this kind of reason; other kinds end it at once. */
const MAX_ATTEMPTS: Readonly<Partial<Record<ErrorKind, number>>> = {
  unavailable: 60,
  timeout: 60,
  "rate-limited": 60,
  internal: 5,
};
/** Work that so many holders vanished over is taken for what made them vanish. */
const MAX_ABANDONMENTS = 5;
const FIRST_RETRY_MS = 200;
const LONGEST_RETRY_MS = 10_000;

/** Whether the same work may succeed later: trouble with a peer or with us, not with the work itself. */
export function isWorthRepeating(error: CodedError, attempts: number): boolean {
  return attempts < (MAX_ATTEMPTS[error.kind] ?? 0);
}

/** Whether the work is to be ended instead of tried again: it seems to kill whoever works on it. */
export function isPoisonous({ abandonments }: Pick<Claim, "abandonments">): boolean {
  return abandonments >= MAX_ABANDONMENTS;
}

/** Whether the work may be what its last holder died of: it is then worked on alone, so that nothing dies with it. */
export function isSuspect({ abandonments }: Pick<Claim, "abandonments">): boolean {
  return abandonments > 0;
}

/** Pause before the next try: doubling, bounded. */
export function retryDelayMs(attempts: number): number {
  return Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.max(0, attempts - 1));
}

export function failureOf(error: CodedError): Failure {
  return { code: error.code, message: error.message, details: error.details };
}
