import {
  costOverflow,
  creationNotAllowed,
  emptyAuthorizationList,
  gasLimitExceeded,
  highS,
  initCodeTooLarge,
  intrinsicGasTooLow,
  invalidBlobs,
  invalidSignature,
  invalidSignatureV,
  invalidYParity,
  nonceAtMaximum,
  tipAboveFeeCap,
  unknownTransactionType,
  wrongChainId,
} from "./errors.js";
import { isActive, type TransactionFork, type TransactionRules } from "./fork-rules.js";
import { minimumGas } from "./intrinsic-gas.js";
import type { Transaction, TransactionType } from "./transaction.js";

/** Order of the secp256k1 group. */
export const SECP256K1_ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
/** Signatures with a greater s are not valid (EIP-2). */
export const HALF_ORDER = SECP256K1_ORDER / 2n;
const WORD_LIMIT = 2n ** 256n;
const MAX_NONCE = 2n ** 64n - 1n;
/** EIP-3860. */
export const MAX_INIT_CODE_BYTES = 49_152;
/** EIP-7825, from Osaka. */
export const TRANSACTION_GAS_CAP = 2n ** 24n;
/** EIP-7594, from Osaka. */
export const MAX_BLOBS_PER_TRANSACTION = 6;

const SINCE: Readonly<Record<TransactionType, TransactionFork>> = {
  0: "frontier",
  1: "berlin",
  2: "london",
  3: "cancun",
  4: "prague",
};

/**
 * The rules that need no state: type, fields, intrinsic gas, signature values. Cheapest first; nothing here costs more
 * than a pass over the data. Throws the codes of `errors.ts`.
 */
export function checkTransaction(transaction: Transaction, rules: TransactionRules): void {
  if (!isActive(rules, SINCE[transaction.type])) throw unknownTransactionType(transaction.type);
  checkSignatureValues(transaction, rules);
  if (transaction.nonce === MAX_NONCE) throw nonceAtMaximum();
  if (transaction.maxPriorityFeePerGas > transaction.maxFeePerGas) throw tipAboveFeeCap();
  if (transaction.gasLimit * transaction.maxFeePerGas >= WORD_LIMIT) throw costOverflow();
  if (isActive(rules, "osaka") && transaction.gasLimit > TRANSACTION_GAS_CAP)
    throw gasLimitExceeded(TRANSACTION_GAS_CAP);
  if (transaction.to === null) checkCreation(transaction, rules);
  if (transaction.type === 3) checkBlobs(transaction, rules);
  if (transaction.type === 4 && transaction.authorizationList.length === 0) throw emptyAuthorizationList();
  const least = minimumGas(transaction, rules);
  if (transaction.gasLimit < least) throw intrinsicGasTooLow(transaction.gasLimit, least);
}

function checkCreation(transaction: Transaction, rules: TransactionRules): void {
  if (transaction.type >= 3) throw creationNotAllowed(transaction.type);
  if (isActive(rules, "shanghai") && transaction.data.length > MAX_INIT_CODE_BYTES)
    throw initCodeTooLarge(transaction.data.length, MAX_INIT_CODE_BYTES);
}

function checkBlobs({ blobVersionedHashes }: Transaction, rules: TransactionRules): void {
  const field = "blobVersionedHashes";
  if (blobVersionedHashes.length === 0) throw invalidBlobs("there is no blob", field);
  if (isActive(rules, "osaka") && blobVersionedHashes.length > MAX_BLOBS_PER_TRANSACTION)
    throw invalidBlobs(`there are more than ${MAX_BLOBS_PER_TRANSACTION} blobs`, field);
  if (blobVersionedHashes.some((hash) => !hash.startsWith("0x01")))
    throw invalidBlobs("a versioned hash has another version than 0x01", field);
}

/**
 * The values of v, r and s, and the chain that they bind the transaction to (EIP-2, EIP-155). Throws
 * `invalid-signature`, `high-s`, `invalid-y-parity`, `invalid-signature-v`, `wrong-chain-id`.
 */
export function checkSignatureValues(transaction: Transaction, rules: TransactionRules): void {
  const { v, r, s } = transaction.signature;
  if (transaction.type === 0) {
    const isBare = v === 27n || v === 28n;
    if (!isBare && (v < 35n || !isActive(rules, "spurious-dragon"))) throw invalidSignatureV();
  } else if (v > 1n) throw invalidYParity();
  if (transaction.chainId !== undefined && transaction.chainId !== rules.chainId)
    throw wrongChainId(rules.chainId, transaction.chainId);
  if (r === 0n || r >= SECP256K1_ORDER || s === 0n || s >= SECP256K1_ORDER) throw invalidSignature();
  if (s > HALF_ORDER && isActive(rules, "homestead")) throw highS();
}
