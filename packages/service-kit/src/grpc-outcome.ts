import { CodedError } from "@aios/kernel/coded-error";
import type { CircuitBreaker } from "./circuit-breaker.js";
import { isPeersAnswer, wasNeverMade } from "./error-mapping.js";

/** A call that ends sooner at its deadline says more about its caller's patience than about the peer. */
const SILENCE_MS = 1_000;

/**
 * Only a peer that does not answer counts against it; its refusals show that it lives. One that stands still, or that
 * a broken network hides, takes connections and says nothing: the circuit spares its callers the wait.
 * `waitedMs`: how long a single answer was waited for; absent for streams, which may rightly be silent.
 */
export function noteOutcome(circuit: CircuitBreaker, failure: CodedError, waitedMs = 0): void {
  const silent = failure.code === "deadline-exceeded" && waitedMs >= SILENCE_MS;
  if (isPeersAnswer(failure) || wasNeverMade(failure)) circuit.succeeded();
  else if (failure.code === "peer-unavailable" || silent) circuit.failed();
  else if (failure.code === "cancelled" || failure.code === "deadline-exceeded") circuit.abandoned();
  else circuit.succeeded();
}

export function cancelled(target: string, signal: AbortSignal): CodedError {
  return new CodedError({
    code: "cancelled",
    kind: "timeout",
    message: `The call to ${target} was cancelled by its caller.`,
    cause: signal.reason,
  });
}
