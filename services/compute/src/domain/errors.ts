import { CodedError } from "@aios/kernel/coded-error";
import { formatAios } from "@aios/kernel/units";
import type { VerificationLevel } from "./job.js";

export function signInRequired(): CodedError {
  return new CodedError({
    code: "sign-in-required",
    kind: "unauthenticated",
    message: "Sign in with your account first.",
  });
}

/** More orders arrive than can be taken in. Nothing was begun: the same request may be made again. */
export function platformBusy(retryAfterMs: number): CodedError {
  return new CodedError({
    code: "platform-busy",
    kind: "unavailable",
    message:
      "More orders arrive just now than can be taken in. Repeat this one with the same Idempotency-Key.",
    retryAfterMs,
  });
}

export function jobNotFound(jobId: string): CodedError {
  return new CodedError({
    code: "job-not-found",
    kind: "not-found",
    message: "No job has this id.",
    details: { jobId },
  });
}

export function notYourJob(jobId: string): CodedError {
  return new CodedError({
    code: "not-your-job",
    kind: "forbidden",
    message: "This job belongs to another account.",
    details: { jobId },
  });
}

/** The request's shape or range is wrong; `field` names where. */
export function invalidRequest(
  code: string,
  field: string,
  message: string,
  details: Record<string, unknown> = {},
): CodedError {
  return new CodedError({ code, kind: "unprocessable", message, field, details });
}

export function inputShape(shape: readonly number[], actualBytes: number): CodedError {
  const expectedBytes = shape.reduce((product, length) => product * length, 1);
  return new CodedError({
    code: "input-shape",
    kind: "unprocessable",
    message: `The input must be exactly ${expectedBytes} bytes (${shape.join(" × ")}, one byte each), not ${actualBytes}.`,
    field: "inference.input",
    details: { expectedBytes, actualBytes, shape: [...shape] },
  });
}

/** The model has no key under this proof system, for a reason that names what it can be proven by. */
export function proofSystemNotOffered(system: string, reason: string): CodedError {
  return new CodedError({
    code: "proof-system-not-offered",
    kind: "unprocessable",
    message: reason,
    field: "verification",
    details: { system },
  });
}

export const MODEL_DOES_NOT_FIT = "model-does-not-fit";

/** The model is too large for this proof system; `fits` is the verification that takes it. */
export function modelDoesNotFit(system: string, reason: string, fits: VerificationLevel): CodedError {
  return new CodedError({
    code: MODEL_DOES_NOT_FIT,
    kind: "unprocessable",
    message: reason,
    field: "verification",
    details: { system, fits },
  });
}

/** Replicas are replaced in a moment; nothing that this one answered is about what it was asked. */
export function proverTooOld(system: string, answered: string): CodedError {
  return new CodedError({
    code: "proof-system-unavailable",
    kind: "unavailable",
    message: `The prover that answered does not know ${system} yet.`,
    retryAfterMs: 2_000,
    field: "verification",
    details: { system, answered },
  });
}

export function idempotencyKeyReused(idempotencyKey: string): CodedError {
  return new CodedError({
    code: "idempotency-key-reused",
    kind: "conflict",
    message: "This idempotency key was used with another request. Use a new key for a new job.",
    field: "idempotencyKey",
    details: { idempotencyKey },
  });
}

export function licenceRequired(modelId: number, licencePriceWei: string): CodedError {
  return new CodedError({
    code: "licence-required",
    kind: "payment-required",
    message: `Buy a licence of model ${modelId} first; it costs ${formatAios(BigInt(licencePriceWei || "0"))} AIOS.`,
    details: { modelId, licencePriceWei },
  });
}

export function modelNotPublished(modelId: number): CodedError {
  return new CodedError({
    code: "model-not-published",
    kind: "conflict",
    message: `Model ${modelId} is not published yet.`,
    details: { modelId },
  });
}

/** `cheapestWei` is the whole price of the cheapest way to run the job, fees included. */
export function priceCapTooLow(cheapestWei: bigint, capWei: bigint, provider: string): CodedError {
  return new CodedError({
    code: "price-cap-too-low",
    kind: "conflict",
    message: `The cheapest offer is ${formatAios(cheapestWei)} AIOS with all fees; your cap is ${formatAios(capWei)} AIOS.`,
    field: "priceCapWei",
    details: { cheapestWei: cheapestWei.toString(), capWei: capWei.toString(), provider },
  });
}

export function noProviderAvailable(kind: string, retryAfterMs: number): CodedError {
  return new CodedError({
    code: "no-provider-available",
    kind: "unavailable",
    message: `No provider offers ${kind} jobs at the moment. Try again shortly.`,
    details: { kind },
    retryAfterMs,
  });
}

/** One provider's result cannot be compared with itself. */
export function noSecondProvider(kind: string, retryAfterMs: number): CodedError {
  return new CodedError({
    code: "no-second-provider",
    kind: "unavailable",
    message: `Only one provider offers ${kind} jobs at the moment, so none can be replicated. Try again shortly, or choose another verification.`,
    details: { kind },
    retryAfterMs,
  });
}

export function signatureMissing(name: string): CodedError {
  return invalidRequest("signature-missing", `signatures.${name}`, `The signature '${name}' is missing.`);
}

export function signatureMalformed(name: string): CodedError {
  return invalidRequest(
    "signature-malformed",
    `signatures.${name}`,
    `The signature '${name}' must be 65 bytes: r, s and v.`,
  );
}

export function signatureNotYours(name: string, expected: string, recovered: string): CodedError {
  return new CodedError({
    code: "signature-not-yours",
    kind: "unauthenticated",
    message: `The signature '${name}' was not made by ${expected} over the data that was handed out.`,
    field: `signatures.${name}`,
    details: { expected, recovered },
  });
}

export function jobEnded(jobId: string, state: string, code: string): CodedError {
  return new CodedError({
    code: "job-ended",
    kind: "conflict",
    message: `The job has ended (${state}${code === "" ? "" : `: ${code}`}); prepare a new one.`,
    details: { jobId, state },
  });
}

export function notAcceptable(jobId: string, state: string, verification: string): CodedError {
  return new CodedError({
    code: "not-acceptable",
    kind: "conflict",
    message:
      verification !== "none" && verification !== "sample"
        ? "This result needs no acceptance: evidence settles it."
        : `There is nothing to accept while the job is ${state}.`,
    details: { jobId, state, verification },
  });
}

/** The simulated funding failed; the reason is what the contract said. */
export function fundingRefused(
  code: string,
  message: string,
  details: Readonly<Record<string, unknown>>,
): CodedError {
  return new CodedError({ code, kind: "unprocessable", message, details });
}

export function leaseNotOffered(jobId: string, state: string): CodedError {
  return new CodedError({
    code: "lease-not-offered",
    kind: "conflict",
    message: `A job that is ${state} or has a live lease cannot be offered.`,
    details: { jobId, state },
  });
}

/** The lease was given to somebody else or has ended; work done under it counts for nothing. */
export function fencingTokenStale(jobId: string, fencingToken: number): CodedError {
  return new CodedError({
    code: "stale-fencing-token",
    kind: "conflict",
    message: `Fencing token ${fencingToken} is not the job's live lease any more.`,
    details: { jobId, fencingToken },
  });
}

export function leaseExpired(jobId: string, fencingToken: number, deliverByMs: number): CodedError {
  return new CodedError({
    code: "lease-expired",
    kind: "conflict",
    message: "The result came after the delivery deadline.",
    details: { jobId, fencingToken, deliverByMs },
  });
}

/** A provider's result does not say what it must; `field` names what disagrees. */
export function resultRefused(code: string, field: string, message: string): CodedError {
  return new CodedError({ code, kind: "unprocessable", message, field });
}

/** A provider broke the link's protocol. */
export function linkProtocol(code: string, message: string): CodedError {
  return new CodedError({ code, kind: "invalid", message });
}

/** Anybody may open a link; so many are being proven that this one has to wait. */
export function tooManyHandshakes(): CodedError {
  return new CodedError({
    code: "too-many-handshakes",
    kind: "rate-limited",
    message: "Too many providers connect at this moment; connect again in a few seconds.",
    retryAfterMs: 3_000,
  });
}

/** A registration costs the platform gas: one network or address has had as many as it gets in a minute. */
export function tooManyRegistrations(retryAfterMs: number): CodedError {
  return new CodedError({
    code: "too-many-registrations",
    kind: "rate-limited",
    message: "Too many registrations came from this network or address; connect again later.",
    retryAfterMs,
  });
}

/** Whoever joins brings its stake: nothing is relayed for an account that does not hold it. */
export function stakeNotFunded(provider: string, balanceWei: bigint, stakeWei: bigint): CodedError {
  return new CodedError({
    code: "stake-not-funded",
    kind: "payment-required",
    message: `${provider} holds ${formatAios(balanceWei)} of the wrapped coin and needs ${formatAios(stakeWei)} for its stake.`,
    details: { provider, balanceWei: balanceWei.toString(), stakeWei: stakeWei.toString() },
  });
}

/** The handshake's next message did not come in time. */
export function handshakeTooSlow(withinMs: number): CodedError {
  return new CodedError({
    code: "handshake-too-slow",
    kind: "invalid",
    message: `A link's hello, proof and registration each have to come within ${withinMs} ms.`,
    details: { withinMs },
  });
}

/** The provider's program signs challenges that do not say for whom. */
export function providerTooOld(): CodedError {
  return new CodedError({
    code: "provider-too-old",
    kind: "invalid",
    message:
      "This aios-provider signs challenges that name no server, which another network could use. Update it to 0.2.0 or newer.",
  });
}

/** The provider dialled a name that this service does not answer to. */
export function serverNameUnknown(dialled: string): CodedError {
  return new CodedError({
    code: "server-name-unknown",
    kind: "invalid",
    message:
      "This service does not answer providers under the name that was dialled; ask the operator for the right one.",
    details: { dialled: dialled.slice(0, 255) },
  });
}

export function providerNotProven(code: string, message: string): CodedError {
  return new CodedError({ code, kind: "unauthenticated", message });
}
