import { CodedError, type CodedErrorInit } from "@aios/kernel/coded-error";

function refusal(code: string, message: string, rest: Partial<CodedErrorInit> = {}): CodedError {
  return new CodedError({ code, kind: "invalid", message, ...rest });
}

// Messages follow Geth's wording where it has one: wallets and libraries recognise errors by text.
export const malformedTransaction = (why: string, field?: string): CodedError =>
  refusal("malformed-transaction", `rlp: ${why}`, field === undefined ? {} : { field });
export const nonCanonicalInteger = (field: string): CodedError =>
  refusal("non-canonical-integer", `rlp: non-canonical integer (leading zero bytes) in ${field}`, { field });
export const integerOverflow = (field: string, maxBytes: number): CodedError =>
  refusal("integer-overflow", `rlp: ${field} does not fit ${maxBytes * 8} bits`, { field });
export const wrongLength = (field: string, bytes: number, expected: number): CodedError =>
  refusal("wrong-field-length", `rlp: ${field} has ${bytes} bytes, not ${expected}`, { field });
export const unknownTransactionType = (type: number): CodedError =>
  refusal("transaction-type-not-supported", `transaction type not supported: ${type}`, { details: { type } });
export const invalidYParity = (): CodedError =>
  refusal("invalid-y-parity", "invalid sender: y parity is neither 0 nor 1", { field: "yParity" });
export const invalidSignatureV = (): CodedError =>
  refusal("invalid-signature-v", "invalid sender: v is neither 27, 28 nor of EIP-155", { field: "v" });
export const highS = (): CodedError =>
  refusal("high-s", "invalid sender: s is in the upper half of the curve order (EIP-2)", { field: "s" });
export const invalidSignature = (): CodedError =>
  refusal("invalid-signature", "invalid sender: the signature is not valid");
export const wrongChainId = (expected: bigint, actual: bigint): CodedError =>
  refusal("wrong-chain-id", `invalid chain id for signer: have ${actual} want ${expected}`, {
    field: "chainId",
  });
export const nonceAtMaximum = (): CodedError =>
  refusal("nonce-at-maximum", "nonce has max value: 2^64 - 1 can never run (EIP-2681)", { field: "nonce" });
export const costOverflow = (): CodedError =>
  refusal("cost-overflow", "gas limit times fee cap, plus value, does not fit 256 bits");
export const tipAboveFeeCap = (): CodedError =>
  refusal("tip-above-fee-cap", "max priority fee per gas higher than max fee per gas", {
    field: "maxPriorityFeePerGas",
  });
export const initCodeTooLarge = (bytes: number, limit: number): CodedError =>
  refusal("init-code-too-large", `max initcode size exceeded: code size ${bytes}, limit ${limit}`, {
    field: "data",
  });
export const intrinsicGasTooLow = (have: bigint, want: bigint): CodedError =>
  refusal("intrinsic-gas-too-low", `intrinsic gas too low: have ${have}, want ${want}`, {
    field: "gasLimit",
  });
export const gasLimitExceeded = (limit: bigint): CodedError =>
  refusal("gas-limit-exceeded", `exceeds block gas limit: a transaction may use at most ${limit}`, {
    field: "gasLimit",
  });
export const emptyAuthorizationList = (): CodedError =>
  refusal("empty-authorization-list", "set code transaction with an empty authorization list", {
    field: "authorizationList",
  });
export const creationNotAllowed = (type: number): CodedError =>
  refusal("creation-not-allowed", `a type ${type} transaction cannot create a contract`, { field: "to" });
export const invalidBlobs = (why: string, field: string): CodedError =>
  refusal("invalid-blobs", `blob transaction: ${why}`, { field });
