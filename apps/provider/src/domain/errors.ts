import { CodedError } from "@aios/kernel/coded-error";

export function trainingFailed(cause: unknown): CodedError {
  return new CodedError({
    code: "training-failed",
    kind: "internal",
    message: "The training stopped with an error.",
    cause,
  });
}

export function gpuUnavailable(reason: string, cause?: unknown): CodedError {
  return new CodedError({ code: "gpu-unavailable", kind: "unprocessable", message: reason, cause });
}

export function unknownDataSet(dataSet: string): CodedError {
  return new CodedError({
    code: "unknown-data-set",
    kind: "unprocessable",
    message: "This provider does not have that data set.",
    details: { dataSet },
  });
}

export function diskFull(): CodedError {
  return new CodedError({
    code: "disk-full",
    kind: "unavailable",
    message: "The provider's disk is full.",
    retryAfterMs: 60_000,
  });
}

export function mismatch(
  code: "order-mismatch" | "model-commitment-mismatch" | "input-commitment-mismatch",
  what: string,
): CodedError {
  return new CodedError({
    code,
    kind: "unprocessable",
    message: `The ${what} is not the one that the ${code === "order-mismatch" ? "job's id" : "order"} commits to.`,
  });
}

export function malformedGrant(problem: string): CodedError {
  return new CodedError({
    code: "malformed-grant",
    kind: "invalid",
    message: `The lease cannot be worked on: ${problem}.`,
  });
}

/** A grant of work that this provider did not sign for, or under other terms. */
export function leaseNotAgreed(problem: string): CodedError {
  return new CodedError({
    code: "lease-not-agreed",
    kind: "forbidden",
    message: `This provider has not agreed to the lease: ${problem}.`,
  });
}

/** A training that is larger than this program ever takes. */
export function trainingOutOfRange(field: string, range: string): CodedError {
  return new CodedError({
    code: "training-out-of-range",
    kind: "unprocessable",
    message: `The training's ${field} must be ${range}.`,
    details: { field, range },
  });
}

/** The network that compute speaks of is not the one that the operator named. */
export function networkNotPinned(what: string, pinned: string, named: string): CodedError {
  return new CodedError({
    code: "network-not-pinned",
    kind: "forbidden",
    message: `compute names ${what} ${named}, this provider was told ${pinned}. It speaks for another network, or the setting is old.`,
    details: { what, pinned, named },
  });
}

export function pinnedChainUnavailable(url: string, cause: unknown): CodedError {
  return new CodedError({
    code: "chain-unavailable",
    kind: "unavailable",
    message: `The chain's node at CHAIN_RPC_URL (${new URL(url).host}) does not say where the network's contracts are.`,
    retryAfterMs: 1_000,
    cause,
  });
}

export function providerBusy(): CodedError {
  return new CodedError({
    code: "provider-busy",
    kind: "unavailable",
    message: "This provider has more work than it can hold.",
    retryAfterMs: 5_000,
  });
}

export function leaseEnded(reason: string): CodedError {
  return new CodedError({ code: "lease-ended", kind: "gone", message: `The lease has ended: ${reason}.` });
}

export function contentTooLarge(limitBytes: number): CodedError {
  return new CodedError({
    code: "content-too-large",
    kind: "too-large",
    message: `A content of a job may have at most ${limitBytes} bytes.`,
    details: { limitBytes },
  });
}
