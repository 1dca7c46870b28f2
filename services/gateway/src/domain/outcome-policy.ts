import type { CodedError } from "@aios/kernel/coded-error";

/**
 * Whether an error is the call's outcome, to be replayed under the same key. What a caller can only mend by
 * another call is; what may pass by itself (unavailable, rate limits, time-outs, our own bugs) is not.
 */
export function isLastingOutcome(error: CodedError): boolean {
  return (
    error.errorClass === "user" &&
    error.retryAfterMs === undefined &&
    error.kind !== "unauthenticated" &&
    error.kind !== "rate-limited"
  );
}
