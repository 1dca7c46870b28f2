import { bigintToBytes, fromHex } from "@aios/core-rlp/hex";
import { encodeRlp, type RlpItem } from "@aios/core-rlp/rlp";
import type { Transaction } from "./transaction.js";

/** A transaction as it is built: everything but its encoding. */
export type TransactionFields = Omit<Transaction, "raw">;

const to = (transaction: TransactionFields): Uint8Array =>
  transaction.to === null ? new Uint8Array(0) : fromHex(transaction.to);

const accessList = (transaction: TransactionFields): RlpItem =>
  transaction.accessList.map((entry) => [fromHex(entry.address), entry.storageKeys.map(fromHex)]);

const authorizationList = (transaction: TransactionFields): RlpItem =>
  transaction.authorizationList.map((entry) => [
    bigintToBytes(entry.chainId),
    fromHex(entry.address),
    bigintToBytes(entry.nonce),
    bigintToBytes(BigInt(entry.yParity)),
    bigintToBytes(entry.r),
    bigintToBytes(entry.s),
  ]);

function feesOf(transaction: TransactionFields): Uint8Array[] {
  if (transaction.type < 2) return [bigintToBytes(transaction.maxFeePerGas)];
  return [bigintToBytes(transaction.maxPriorityFeePerGas), bigintToBytes(transaction.maxFeePerGas)];
}

function ownFields(transaction: TransactionFields): RlpItem[] {
  if (transaction.type === 0) return [];
  if (transaction.type === 3) {
    const hashes = transaction.blobVersionedHashes.map(fromHex);
    return [accessList(transaction), bigintToBytes(transaction.maxFeePerBlobGas), hashes];
  }
  if (transaction.type === 4) return [accessList(transaction), authorizationList(transaction)];
  return [accessList(transaction)];
}

/** The fields in the order of the encoding, signature included. */
export function transactionItems(transaction: TransactionFields): RlpItem[] {
  const { v, r, s } = transaction.signature;
  return [
    ...(transaction.type === 0 ? [] : [bigintToBytes(transaction.chainId ?? 0n)]),
    bigintToBytes(transaction.nonce),
    ...feesOf(transaction),
    bigintToBytes(transaction.gasLimit),
    to(transaction),
    bigintToBytes(transaction.value),
    transaction.data,
    ...ownFields(transaction),
    bigintToBytes(v),
    bigintToBytes(r),
    bigintToBytes(s),
  ];
}

/** Canonical EIP-2718 encoding: what `decodeTransaction` takes. */
export function encodeTransaction(transaction: TransactionFields): Uint8Array {
  const { type } = transaction;
  return encodeRlp(transactionItems(transaction), type === 0 ? undefined : type);
}
