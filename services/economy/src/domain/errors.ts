import { CodedError } from "@aios/kernel/coded-error";

/** The caller's service may not use this signer for this call. */
export function signerNotAllowed(
  caller: string,
  signer: string,
  contract: string,
  selector: string,
): CodedError {
  return new CodedError({
    code: "signer-not-allowed",
    kind: "forbidden",
    message: `${caller} may not call ${contract} (${selector}) with the ${signer} key.`,
    details: { caller, signer, contract, selector },
  });
}

/** The registry knows no contract of this name. */
export function unknownContract(contract: string): CodedError {
  return new CodedError({
    code: "unknown-contract",
    kind: "invalid",
    message: `There is no contract named ${contract} in the registry.`,
    field: "contract",
    details: { contract },
  });
}

/** The same idempotency key came with another request. */
export function idempotencyKeyReused(idempotencyKey: string): CodedError {
  return new CodedError({
    code: "idempotency-key-reused",
    kind: "conflict",
    message: "This idempotency key was used for another transaction. Use a new key for a new transaction.",
    details: { idempotencyKey },
  });
}

/** The platform paid as much gas for this subject as it does in a day. */
export function gasAllowanceSpent(subject: string, gas: bigint, freeAtMs: number, nowMs: number): CodedError {
  return new CodedError({
    code: "gas-allowance-spent",
    kind: "rate-limited",
    message: `The platform has paid ${gas} gas for this account within a day and pays again at ${new Date(freeAtMs).toISOString()}.`,
    details: { subject, gasPerDay: gas.toString(), freeAtMs },
    retryAfterMs: Math.max(1_000, freeAtMs - nowMs),
  });
}

export function transactionNotFound(transactionId: string): CodedError {
  return new CodedError({
    code: "transaction-not-found",
    kind: "not-found",
    message: "No transaction has this id or hash.",
    details: { transactionId },
  });
}

export function jobNotOnChain(jobId: string): CodedError {
  return new CodedError({
    code: "job-not-on-chain",
    kind: "not-found",
    message: "No escrow was opened for this job.",
    details: { jobId },
  });
}

/** The node cannot be asked now. */
export function chainUnavailable(retryAfterMs: number, cause?: unknown): CodedError {
  return new CodedError({
    code: "chain-unavailable",
    kind: "unavailable",
    message: "The chain's node does not answer. Try again shortly.",
    retryAfterMs,
    ...(cause === undefined ? {} : { cause }),
  });
}

/** The call ends without success whatever gas it gets: out of gas at the cap, an invalid instruction. */
export function executionHalted(reason: string): CodedError {
  return new CodedError({
    code: "execution-halted",
    kind: "unprocessable",
    message: `The contract's execution halts: ${reason}.`,
    details: { reason },
  });
}

/** The node answers, but does not try the call; it may do so later. */
export function callRefused(retryAfterMs: number, cause: Error): CodedError {
  return new CodedError({
    code: "call-refused",
    kind: "unavailable",
    message: `The chain's node does not try the call: ${cause.message}`,
    details: { reason: cause.message },
    retryAfterMs,
    cause,
  });
}

/** Trying a transaction broke off in a way nobody foresaw. */
export function simulationFailed(cause: unknown): CodedError {
  return new CodedError({
    code: "simulation-failed",
    kind: "internal",
    message: "The transaction could not be tried on the chain's state.",
    cause,
  });
}

/** The protocol's contracts are not on the chain yet. */
export function contractsNotDeployed(): CodedError {
  return new CodedError({
    code: "contracts-not-deployed",
    kind: "unavailable",
    message: "Waiting for the protocol's contracts to be deployed on this chain.",
    retryAfterMs: 1_000,
  });
}

/** The chain's genesis differs from the one this database was filled from. */
export function chainReplaced(expected: string, found: string): CodedError {
  return new CodedError({
    code: "chain-replaced",
    kind: "internal",
    message: `This database was filled from another chain (${expected}, now ${found}). Wipe it or connect the right node.`,
    details: { expected, found },
  });
}

/** The signing account cannot pay for gas. */
export function insufficientGasFunds(signer: string, address: string): CodedError {
  return new CodedError({
    code: "insufficient-gas-funds",
    kind: "unavailable",
    message: `The ${signer} account ${address} has too little of the native coin to pay for gas.`,
    details: { signer, address },
    retryAfterMs: 10_000,
  });
}

/** Somebody else used the account's nonce; none of our signed forms can ever be mined. */
export function nonceTaken(signer: string, nonce: bigint): CodedError {
  return new CodedError({
    code: "nonce-taken",
    kind: "conflict",
    message: `Nonce ${nonce} of the ${signer} account was used outside this service; the transaction can never be mined.`,
    details: { signer, nonce: nonce.toString() },
  });
}

/** The key file holds another key than the one whose transactions are stored. */
export function signerKeyChanged(signer: string, expected: string, found: string): CodedError {
  return new CodedError({
    code: "signer-key-changed",
    kind: "internal",
    message: `The ${signer} key was ${expected} and is now ${found}; its stored transactions cannot be signed again.`,
    details: { signer, expected, found },
  });
}
