import { CodedError } from "@aios/kernel/coded-error";

export function trainingFailed(cause: unknown): CodedError {
  return new CodedError({
    code: "training-failed",
    kind: "internal",
    message: "The training stopped with an error.",
    cause,
  });
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
