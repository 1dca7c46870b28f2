import { CodedError } from "@aios/kernel/coded-error";
import type { CircuitBreaker } from "./circuit-breaker.js";

/** Only a peer that does not answer counts against it; its refusals show that it lives. */
export function noteOutcome(circuit: CircuitBreaker, failure: CodedError): void {
  if (failure.code === "peer-unavailable") circuit.failed();
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
