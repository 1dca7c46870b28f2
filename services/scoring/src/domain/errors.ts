import { CodedError } from "@aios/kernel/coded-error";

export function receiptNotFound(receiptId: string): CodedError {
  return new CodedError({
    code: "receipt-not-found",
    kind: "not-found",
    message: "There is no such receipt.",
    details: { receiptId },
  });
}

/** The receipt has no place in a tree on chain yet, or never gets one. */
export function receiptNotAnchored(receiptId: string, state: string, refusedBecause: string): CodedError {
  return new CodedError({
    code: "receipt-not-anchored",
    kind: "conflict",
    message:
      state === "refused"
        ? `The receipt counts for nothing: ${refusedBecause}`
        : "The receipt is not anchored yet. Ask again shortly.",
    details: { receiptId, state },
    ...(state === "refused" ? {} : { retryAfterMs: 1_000 }),
  });
}

export function filterMissing(): CodedError {
  return new CodedError({
    code: "filter-missing",
    kind: "invalid",
    message: "Name an account or a job whose receipts to list.",
    field: "account",
  });
}
