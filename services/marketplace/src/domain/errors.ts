import { CodedError } from "@aios/kernel/coded-error";

export function signInRequired(): CodedError {
  return new CodedError({
    code: "sign-in-required",
    kind: "unauthenticated",
    message: "This needs a signed-in account.",
  });
}

/** Someone else's draft or purchase. */
export function notOwner(what: "model" | "purchase"): CodedError {
  return new CodedError({
    code: "not-owner",
    kind: "forbidden",
    message: `This ${what} belongs to another account.`,
  });
}

export function modelNotFound(id: string): CodedError {
  return new CodedError({
    code: "model-not-found",
    kind: "not-found",
    message: "There is no such model.",
    details: { id },
  });
}

export function purchaseNotFound(purchaseId: string): CodedError {
  return new CodedError({
    code: "purchase-not-found",
    kind: "not-found",
    message: "There is no such purchase.",
    details: { purchaseId },
  });
}

/** The owner has drafted this commitment under other terms. */
export function modelAlreadyDrafted(draftId: string): CodedError {
  return new CodedError({
    code: "model-already-drafted",
    kind: "conflict",
    message:
      "You have drafted this model under other terms. Use that draft, or quantise anew under another salt.",
    details: { draftId },
  });
}

/** The model's or purchase's state does not allow this step. */
export function wrongState(what: "model" | "purchase", state: string, needed: string): CodedError {
  return new CodedError({
    code: "wrong-state",
    kind: "conflict",
    message: `The ${what} is ${state}; this step needs it to be ${needed}.`,
    details: { state, needed },
  });
}

export function licenceAlreadyOwned(modelId: bigint, licenceId: bigint): CodedError {
  return new CodedError({
    code: "licence-already-owned",
    kind: "conflict",
    message: `You hold licence ${licenceId} of this model already.`,
    details: { modelId: modelId.toString(), licenceId: licenceId.toString() },
  });
}

export function signatureMissing(name: string): CodedError {
  return new CodedError({
    code: "signature-missing",
    kind: "invalid",
    message: `The signature "${name}" is missing; it must have 65 bytes.`,
    field: `signatures.${name}`,
  });
}

/** The signature is not the account's over what it was asked to sign. */
export function badSignature(name: string, account: string): CodedError {
  return new CodedError({
    code: "bad-signature",
    kind: "unprocessable",
    message: `The signature "${name}" is not ${account}'s over the typed data that was prepared.`,
    field: `signatures.${name}`,
    details: { account },
  });
}

/** What was prepared is too old to be signed. */
export function preparationExpired(): CodedError {
  return new CodedError({
    code: "preparation-expired",
    kind: "gone",
    message: "What was prepared for signing has expired. Prepare it again and sign anew.",
  });
}

/** The content was stored first by somebody else: no key of it would be released for jobs of this model. */
export function foreignContent(contentCid: string): CodedError {
  return new CodedError({
    code: "foreign-content",
    kind: "forbidden",
    message: "Only the account that stored this content first may draft a model of it.",
    field: "contentCid",
    details: { contentCid },
  });
}

export function insufficientFunds(neededWei: bigint, balanceWei: bigint): CodedError {
  return new CodedError({
    code: "insufficient-funds",
    kind: "conflict",
    message: "The account's wrapped balance does not cover the price.",
    details: { neededWei: neededWei.toString(), balanceWei: balanceWei.toString() },
  });
}

export function chainUnavailable(cause: unknown): CodedError {
  return new CodedError({
    code: "chain-unavailable",
    kind: "unavailable",
    message: "The chain's node does not answer. Try again shortly.",
    retryAfterMs: 1_000,
    cause,
  });
}

/** It is replaced in a moment: the same question is asked again. */
export function proverTooOld(): CodedError {
  return new CodedError({
    code: "peer-unavailable",
    kind: "unavailable",
    message: "The prover that answered does not know UltraHonk yet.",
    retryAfterMs: 2_000,
  });
}
