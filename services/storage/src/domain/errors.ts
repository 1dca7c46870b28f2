import { CodedError } from "@aios/kernel/coded-error";

export function contentNotFound(cid: string): CodedError {
  return new CodedError({
    code: "content-not-found",
    kind: "not-found",
    message: "No content with this CID is stored here.",
    details: { cid },
  });
}

export function contentTooLarge(limitBytes: number): CodedError {
  return new CodedError({
    code: "content-too-large",
    kind: "too-large",
    message: `A content may have at most ${limitBytes} bytes.`,
    details: { limitBytes },
  });
}

/** What the tenant stores already and this content together are more than it may store. */
export function quotaExceeded(quotaBytes: number, usedBytes: number): CodedError {
  return new CodedError({
    code: "storage-quota-exceeded",
    kind: "too-large",
    message: `An account may store ${quotaBytes} bytes; ${usedBytes} are used, and this content does not fit.`,
    details: { quotaBytes, usedBytes },
  });
}

export function contentEmpty(): CodedError {
  return new CodedError({
    code: "content-empty",
    kind: "invalid",
    message: "The content has no bytes.",
    field: "chunk",
  });
}

/** The stored bytes no longer have their hash: damaged on disk. Nothing of them was sent. */
export function contentDamaged(cid: string): CodedError {
  return new CodedError({
    code: "content-damaged",
    kind: "internal",
    message: "The stored bytes no longer match their CID. Upload the content again.",
    details: { cid },
  });
}

/** The node that holds the bytes does not answer, or not in time. */
export function contentBackendUnavailable(cause?: unknown): CodedError {
  return new CodedError({
    code: "content-backend-unavailable",
    kind: "unavailable",
    message: "The IPFS node cannot be reached just now; try again shortly.",
    retryAfterMs: 2_000,
    cause,
  });
}

/** The node answers, but not as the platform needs it; `problem` is for its operator. */
export function contentBackendUnfit(problem: string): CodedError {
  return new CodedError({
    code: "content-backend-unfit",
    kind: "unavailable",
    message: `The IPFS node cannot be used: ${problem}`,
    retryAfterMs: 60_000,
  });
}

export function storageFull(): CodedError {
  return new CodedError({
    code: "storage-full",
    kind: "unavailable",
    message: "The storage disk is full; nothing was stored. An operator has to free space.",
    retryAfterMs: 60_000,
  });
}

export function invalidMetadata(field: string, expected: string): CodedError {
  return new CodedError({
    code: "invalid-metadata",
    kind: "invalid",
    message: `${field} must be ${expected}.`,
    field,
  });
}

export function invalidStream(message: string): CodedError {
  return new CodedError({ code: "invalid-upload", kind: "invalid", message });
}

export function notContentOwner(cid: string): CodedError {
  return new CodedError({
    code: "not-content-owner",
    kind: "forbidden",
    message: "Only the account that stored this content first may do that.",
    details: { cid },
  });
}

export function wrongWrappingKey(keyId: string): CodedError {
  return new CodedError({
    code: "wrong-wrapping-key",
    kind: "conflict",
    message: "The key was sealed to another wrapping key. Ask for the current one and seal again.",
    details: { keyId },
  });
}

export function invalidGrant(field: string, expected: string): CodedError {
  return new CodedError({
    code: "invalid-grant",
    kind: "invalid",
    message: `${field} must be ${expected}.`,
    field,
  });
}

export function keyNotDeposited(cid: string): CodedError {
  return new CodedError({
    code: "key-not-deposited",
    kind: "not-found",
    message: "The owner has deposited no key for this content.",
    details: { cid },
  });
}

export function leaseNotLive(jobId: string, reason: string): CodedError {
  return new CodedError({
    code: "lease-not-live",
    kind: "forbidden",
    message: `The lease gives no access: ${reason === "" ? "it is not live" : reason}.`,
    details: { jobId },
  });
}

export function contentNotInLease(jobId: string, cid: string): CodedError {
  return new CodedError({
    code: "content-not-in-lease",
    kind: "forbidden",
    message: "This lease does not need that content.",
    details: { jobId, cid },
  });
}

export function notAllowedByOwner(cid: string, purpose: string): CodedError {
  return new CodedError({
    code: "not-allowed-by-owner",
    kind: "forbidden",
    message: `The owner of this content has not allowed '${purpose}'.`,
    details: { cid, purpose },
  });
}

export function badWrappingKeyFile(problem: string): CodedError {
  return new CodedError({
    code: "bad-wrapping-key-file",
    kind: "internal",
    message: `The content-wrapping key cannot be used: ${problem}.`,
  });
}
