import { CodedError, type ErrorKind } from "@aios/kernel/coded-error";
import type { Claim, Failure } from "./work-queue.js";

/** How often work is taken at most while it fails for this kind of reason; other kinds end it at once. */
const MAX_ATTEMPTS: Readonly<Partial<Record<ErrorKind, number>>> = {
  unavailable: 60,
  timeout: 60,
  "rate-limited": 60,
  internal: 5,
};
/**
 * The same for reasons that mostly lie in the work itself and cost a worker's whole time or memory each time; a busy
 * machine may have been the cause.
 */
const MAX_COSTLY_ATTEMPTS = 3;
const COSTLY = new Set(["work-timed-out", "prover-out-of-memory"]);
/**
 * How long a worker leaves to others what took all its time or memory: one with more of it is found in less, and where
 * there is none the worker tries again.
 */
export const LEFT_TO_OTHERS_MS = 10_000;
/** Work that so many holders vanished over is taken for what made them vanish. */
export const MAX_ABANDONMENTS = 5;
const FIRST_RETRY_MS = 200;
const LONGEST_RETRY_MS = 10_000;

/** Whether the same work may succeed later: trouble with a peer or with us, not with the work itself. */
export function isWorthRepeating(error: CodedError, attempts: number): boolean {
  const most = MAX_ATTEMPTS[error.kind] ?? 0;
  return attempts < (COSTLY.has(error.code) ? Math.min(most, MAX_COSTLY_ATTEMPTS) : most);
}

/** Whether another worker may do it where this one could not, for `LEFT_TO_OTHERS_MS`. */
export function isLeftToOthers(error: CodedError): boolean {
  return COSTLY.has(error.code);
}

/** Whether the work may be what its last holder died of: it is then worked on alone, so that nothing dies with it. */
export function isSuspect({ abandonments }: Pick<Claim, "abandonments">): boolean {
  return abandonments > 0;
}

/** Pause before the next try: doubling, bounded. */
export function retryDelayMs(attempts: number): number {
  return Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.max(0, attempts - 1));
}

/** Why work is ended instead of begun: it seems to kill whoever works on it, or nobody wants it any more. */
export function refusalToBegin(
  { abandonments, deadline }: Pick<Claim, "abandonments" | "deadline">,
  nowMs: number,
): CodedError | undefined {
  if (abandonments >= MAX_ABANDONMENTS) return workerLost(abandonments);
  if (deadline !== undefined && deadline <= nowMs) return deadlinePassed(deadline);
  return undefined;
}

/** Whoever worked on it vanished, again and again; it is not tried any more. */
export function workerLost(times: number): CodedError {
  return new CodedError({
    code: "worker-lost",
    kind: "internal",
    message: `The prover ended ${times} times while it worked on this; it is not tried again.`,
    details: { times },
  });
}

/** It took longer than one piece of work may. */
export function workTimedOut(timeoutMs: number, cause: unknown): CodedError {
  return new CodedError({
    code: "work-timed-out",
    kind: "timeout",
    message: `This was not done within ${timeoutMs / 1_000} seconds, the longest time that is given to it.`,
    details: { timeoutMs },
    cause,
  });
}

/** Its turn came after the time until which it was wanted. */
export function deadlinePassed(deadline: number): CodedError {
  return new CodedError({
    code: "deadline-passed",
    kind: "unprocessable",
    message: "This could not be proven before its deadline.",
    details: { deadline },
  });
}

export function failureOf(error: CodedError): Failure {
  return { code: error.code, message: error.message, details: error.details };
}
