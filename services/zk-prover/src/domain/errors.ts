import type { Failure } from "@aios/core-proving-queue/work-queue";
import { CodedError, type CodedErrorInit } from "@aios/kernel/coded-error";

/** Nobody asked for keys of this model yet. */
export function keyNotFound(): CodedError {
  return new CodedError({
    code: "model-key-not-found",
    kind: "not-found",
    message: "There are no keys for this model. Set them up first.",
  });
}

/** The keys are being made. */
export function keyNotReady(): CodedError {
  return new CodedError({
    code: "model-key-not-ready",
    kind: "unavailable",
    message: "The keys of this model are still being made. Try again in a moment.",
    retryAfterMs: 1_000,
  });
}

/** Making the keys failed, for a reason that repeating does not change. */
export function keyFailed({ code, message, details }: Failure): CodedError {
  return new CodedError({
    code: "model-key-failed",
    kind: "conflict",
    message,
    details: { ...details, cause: code },
  });
}

/** The model's key was made otherwise than by the ceremony that is named now, or by one where none is named. */
export function keyDiffers(): CodedError {
  return new CodedError({
    code: "model-key-differs",
    kind: "conflict",
    message:
      "This model has a key of another origin, and a model has one key. Quantise it anew under another salt to give it another one.",
  });
}

/** Verifying it would keep the prover from showing that it is alive. */
export function ceremonyTooLong(mostSteps: number, largestBeaconExponent: number): CodedError {
  return refused(
    "ceremony-too-long",
    `A ceremony that is handed in here has at most ${mostSteps} steps and a beacon of at most 2^${largestBeaconExponent} iterations.`,
    { mostSteps, largestBeaconExponent },
  );
}

/** Nobody here has compared these powers of tau with what their ceremony published: their makers could forge. */
export function powersNotListed(hash: string): CodedError {
  return refused(
    "powers-of-tau-not-listed",
    `The ceremony began from powers of tau with sha256 ${hash}, which this prover's operator has not listed. Begin from listed ones, or have the operator list these.`,
    { hash },
  );
}

/** No file that the operator lets be read is large enough for the circuit: said before one is fetched. */
export function powersTooLarge(constraints: number, neededBytes: number, mostBytes: number): CodedError {
  const mebibytes = (bytes: number): number => Math.ceil(bytes / 2 ** 20);
  return refused(
    "powers-of-tau-too-large",
    `The ceremony of a circuit of ${constraints} constraints begins from a file of at least ${mebibytes(neededBytes)} MiB; this prover reads up to ${mebibytes(mostBytes)} MiB (PROVER_MAX_POWERS).`,
    { constraints, neededBytes, mostBytes },
  );
}

/** The file of powers that was given is not the one that was named: the process does not start. */
export function honkPowersDiffer(hash: string, expected: string): CodedError {
  return refused(
    "honk-powers-differ",
    `PROVER_HONK_POWERS_FILE has sha256 ${hash}; PROVER_HONK_POWERS_SHA256 says ${expected || "none"}.`,
    { hash, expected },
  );
}

/** UltraHonk's set-up is for all circuits: there is nothing that a ceremony for one could make. */
export function ceremonyNotTaken(): CodedError {
  return new CodedError({
    code: "ceremony-not-taken",
    kind: "unprocessable",
    message: "UltraHonk keys need no ceremony of their own. Name one for the Groth16 key.",
    field: "ceremony",
  });
}

/** This process has no prover for it, for want of a program for its machine or of a set-up that the chain shares. */
export function proofSystemUnavailable(
  name: string,
  reason: string,
  details?: CodedErrorInit["details"],
): CodedError {
  return refused("proof-system-unavailable", `This prover does not make ${name} proofs: ${reason}`, {
    system: name,
    ...details,
  });
}

/** Economy has not told yet which reference string the verifier on chain is deployed with. */
export function referenceStringUnchecked(name: string): CodedError {
  return new CodedError({
    code: "proof-system-unavailable",
    kind: "unavailable",
    message: `Whether the chain's verifier takes this prover's ${name} proofs is not known yet. Try again in a moment.`,
    details: { system: name },
    retryAfterMs: 2_000,
  });
}

/** Both sides are tau·G2 in the order of EIP-197. */
export function referenceStringDiffers(
  name: string,
  here: readonly string[],
  onChain: readonly string[],
): CodedError {
  return proofSystemUnavailable(
    name,
    "its reference string has another tau than the verifier on chain, which would refuse every proof. Give the prover and the deployment of the contracts the same powers of tau.",
    { tauG2: here, tauG2OnChain: onChain },
  );
}

/** The circuit is larger than the proof system is offered for here. */
export function modelDoesNotFit(
  name: string,
  problem: string,
  details: CodedErrorInit["details"],
): CodedError {
  return refused(
    "model-does-not-fit",
    `This model is too large for ${name} here: ${problem} Groth16 takes it.`,
    { system: name, fits: "groth16-bn254", ...details },
  );
}

export function proofNotFound(): CodedError {
  return new CodedError({
    code: "proof-not-found",
    kind: "not-found",
    message: "No proof was requested for this job.",
  });
}

/** A proven job was asked for again with other values. */
export function proofRequestDiffers(): CodedError {
  return new CodedError({
    code: "proof-request-differs",
    kind: "conflict",
    message: "This job is proven already, for other values than these. A job has one proof.",
  });
}

export function invalidRequest(field: string, expected: string): CodedError {
  return new CodedError({
    code: "invalid-proof-request",
    kind: "invalid",
    message: `${field} must be ${expected}.`,
    field,
  });
}

/** The statement belongs to another version of circuit and commitments. */
export function statementUnsupported(version: number, supported: number): CodedError {
  return new CodedError({
    code: "statement-unsupported",
    kind: "unprocessable",
    message: `Statements of version ${version} cannot be proven here; this prover makes version ${supported}.`,
    details: { version, supported },
  });
}

/** The stored model is not the committed one. */
export function modelCommitmentMismatch(): CodedError {
  return refused(
    "model-commitment-mismatch",
    "The stored model does not have the commitment that was given for it.",
  );
}

/** The statement names another key than the model's. */
export function verifyingKeyMismatch(): CodedError {
  return refused("verifying-key-mismatch", "The statement names a verifying key that is not this model's.");
}

/** The stored input is not what the order commits to. */
export function inputCommitmentMismatch(): CodedError {
  return refused("input-commitment-mismatch", "The stored input does not have the commitment in the order.");
}

/** The reference evaluation gives another output than the claimed one. */
export function oracleDisagrees(claimed: bigint, computed: bigint): CodedError {
  return refused(
    "oracle-disagrees",
    "The committed model gives another output for this input than the one delivered.",
    {
      claimed: claimed.toString(),
      computed: computed.toString(),
    },
  );
}

/** Our own proof did not verify: never published. */
export function selfVerificationFailed(): CodedError {
  return new CodedError({
    code: "self-verification-failed",
    kind: "internal",
    message: "The prover made a proof that does not verify; it was not published.",
  });
}

function refused(code: string, message: string, details?: CodedErrorInit["details"]): CodedError {
  return new CodedError({
    code,
    kind: "unprocessable",
    message,
    ...(details === undefined ? {} : { details }),
  });
}
