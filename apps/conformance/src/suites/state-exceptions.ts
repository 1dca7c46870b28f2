import type { InvalidTransactionCode } from "@aios/core-evm/transaction-rules";

/** What the format calls a refusal, and the codes of ours that say the same. */
const CODES: Readonly<Record<string, readonly (InvalidTransactionCode | "malformed-field")[]>> = {
  // execution-spec-tests: `TransactionException`.
  TYPE_NOT_SUPPORTED: ["transaction-type-not-active"],
  TYPE_1_TX_PRE_FORK: ["transaction-type-not-active"],
  TYPE_2_TX_PRE_FORK: ["transaction-type-not-active"],
  TYPE_3_TX_PRE_FORK: ["transaction-type-not-active"],
  TYPE_3_TX_ZERO_BLOBS_PRE_FORK: ["transaction-type-not-active", "blob-count"],
  TYPE_4_TX_PRE_FORK: ["transaction-type-not-active"],
  SENDER_NOT_EOA: ["sender-has-code"],
  NONCE_MISMATCH_TOO_HIGH: ["nonce-too-high"],
  NONCE_MISMATCH_TOO_LOW: ["nonce-too-low"],
  NONCE_IS_MAX: ["nonce-overflow"],
  NONCE_TOO_BIG: ["nonce-overflow", "malformed-field"],
  NONCE_OVERFLOW: ["nonce-overflow", "malformed-field"],
  VALUE_OVERFLOW: ["malformed-field"],
  GASLIMIT_OVERFLOW: ["malformed-field", "gas-limit-over-block", "gas-limit-over-cap"],
  GASPRICE_OVERFLOW: ["malformed-field", "insufficient-funds"],
  PRIORITY_OVERFLOW: ["malformed-field", "tip-above-fee-cap"],
  // A product of more than 256 bits is more than anybody owns.
  GASLIMIT_PRICE_PRODUCT_OVERFLOW: ["insufficient-funds"],
  INSUFFICIENT_ACCOUNT_FUNDS: ["insufficient-funds"],
  INSUFFICIENT_MAX_FEE_PER_GAS: ["fee-below-base-fee"],
  INSUFFICIENT_MAX_FEE_PER_BLOB_GAS: ["blob-fee-below-base-fee"],
  PRIORITY_GREATER_THAN_MAX_FEE_PER_GAS: ["tip-above-fee-cap"],
  PRIORITY_GREATER_THAN_MAX_FEE_PER_GAS_2: ["tip-above-fee-cap"],
  INTRINSIC_GAS_TOO_LOW: ["intrinsic-gas-too-low"],
  INTRINSIC_GAS_BELOW_FLOOR_GAS_COST: ["intrinsic-gas-too-low"],
  INITCODE_SIZE_EXCEEDED: ["init-code-too-large"],
  GAS_ALLOWANCE_EXCEEDED: ["gas-limit-over-block"],
  GAS_LIMIT_EXCEEDS_MAXIMUM: ["gas-limit-over-cap"],
  TYPE_3_TX_ZERO_BLOBS: ["blob-count"],
  TYPE_3_TX_BLOB_COUNT_EXCEEDED: ["blob-count"],
  TYPE_3_TX_MAX_BLOB_GAS_ALLOWANCE_EXCEEDED: ["blob-count"],
  TYPE_3_TX_INVALID_BLOB_VERSIONED_HASH: ["blob-version"],
  TYPE_3_TX_CONTRACT_CREATION: ["blob-creation"],
  TYPE_4_EMPTY_AUTHORIZATION_LIST: ["authorization-list-empty"],
  TYPE_4_TX_CONTRACT_CREATION: ["authorization-creation"],
  TYPE_4_INVALID_AUTHORIZATION_FORMAT: ["malformed-field"],
  // ethereum/tests before that: names of its fillers.
  TR_TypeNotSupported: ["transaction-type-not-active"],
  TR_TypeNotSupportedBlob: ["transaction-type-not-active"],
  SenderNotEOA: ["sender-has-code"],
  TR_NonceHasMaxValue: ["nonce-overflow"],
  TR_NonceTooHigh: ["nonce-too-high"],
  TR_NonceTooLow: ["nonce-too-low"],
  TR_NoFunds: ["insufficient-funds"],
  TR_NoFundsX: ["insufficient-funds"],
  TR_NoFundsOrGas: ["insufficient-funds", "intrinsic-gas-too-low"],
  TR_FeeCapLessThanBlocks: ["fee-below-base-fee"],
  TR_TipGtFeeCap: ["tip-above-fee-cap"],
  TR_IntrinsicGas: ["intrinsic-gas-too-low"],
  IntrinsicGas: ["intrinsic-gas-too-low"],
  TR_InitCodeLimitExceeded: ["init-code-too-large"],
  TR_GasLimitReached: ["gas-limit-over-block"],
  TR_EMPTYBLOB: ["blob-count"],
  TR_BLOBLIST_OVERSIZE: ["blob-count"],
  TR_BLOBVERSION_INVALID: ["blob-version"],
  TR_BLOBCREATE: ["blob-creation"],
  TR_RLP_WRONGVALUE: ["malformed-field"],
};

/**
 * What to remark of a refusal, if anything: `expected` names one class or several with `|` between them, of which the
 * code should be one. The format asks for a refusal alone, and a transaction may be wrong in more ways than one, so
 * that another reason is no failure.
 */
export function refusalRemark(code: string, expected: string): string | undefined {
  const names = expected.split("|").map((name) => name.trim().replace(/^TransactionException\./, ""));
  const codes = names.flatMap((name) => (Object.hasOwn(CODES, name) ? CODES[name] : undefined) ?? []);
  return codes.some((each) => each === code) ? undefined : `refused with ${code}, expected ${expected}`;
}
