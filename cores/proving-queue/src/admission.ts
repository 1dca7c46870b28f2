import { CodedError } from "@aios/kernel/coded-error";

/** Work of the same identifier that is there already. */
export interface Present {
  readonly isOpen: boolean;
  readonly hasResult: boolean;
  /** Whether it was asked for with exactly these values. */
  readonly isSame: boolean;
}

/**
 * What becomes of a request: the same one again changes nothing (`known`), whatever became of it; another one replaces what
 * has no result (`replace`: whoever works on it loses the lease), and is `decided` by a result; new work is `add`ed.
 */
export type Admission = "add" | "known" | "replace" | "decided";

/**
 * Decides on a request. New open work is taken on while fewer than `limit` are open: `prover-queue-full` otherwise, with
 * when to come back. `retryAfterMs`: about when one will have ended.
 */
export function admit(
  present: Present | undefined,
  open: number,
  limit: number,
  retryAfterMs: number,
): Admission {
  if (present?.isSame === true) return "known";
  if (present?.hasResult === true) return "decided";
  if (present?.isOpen !== true && open >= limit) throw queueFull(retryAfterMs);
  return present === undefined ? "add" : "replace";
}

export function queueFull(retryAfterMs: number): CodedError {
  return new CodedError({
    code: "prover-queue-full",
    kind: "unavailable",
    message: "The prover has as much work as it takes on. Try again later.",
    retryAfterMs,
  });
}
