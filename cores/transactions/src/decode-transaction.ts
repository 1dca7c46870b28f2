import type { RlpItem } from "@aios/core-rlp/rlp";
import { malformedTransaction, unknownTransactionType } from "./errors.js";
import {
  accessListField,
  authorizationListField,
  bytesField,
  decodeList,
  hashField,
  integerField,
  listField,
  quantityField,
  recipientField,
} from "./fields.js";
import type { Transaction, TransactionType } from "./transaction.js";

const FIELD_COUNTS: Readonly<Record<TransactionType, number>> = { 0: 9, 1: 11, 2: 12, 3: 14, 4: 13 };
const FIRST_LIST_BYTE = 0xc0;
const MAX_TYPE_BYTE = 0x7f;
const EIP155_OFFSET = 35n;

/** The type of an encoding (EIP-2718). Throws `malformed-transaction`, `transaction-type-not-supported`. */
export function transactionTypeOf(raw: Uint8Array): TransactionType {
  const first = raw[0];
  if (first === undefined) throw malformedTransaction("the transaction is empty");
  if (first >= FIRST_LIST_BYTE) return 0;
  if (first === 0) throw malformedTransaction("a legacy transaction has no type byte");
  if (first > MAX_TYPE_BYTE) throw malformedTransaction("the first byte is neither a type nor a list");
  if (first === 1 || first === 2 || first === 3 || first === 4) return first;
  throw unknownTransactionType(first);
}

/**
 * Decodes the canonical encoding of a transaction, as it stands in a block: no sidecar of blobs. Structure only; the
 * rules of a fork and the signature are `checkTransaction`'s. Strict: one encoding per transaction. Throws
 * `malformed-transaction`, `non-canonical-integer`, `integer-overflow`, `wrong-field-length`,
 * `transaction-type-not-supported`, all with the field. Cost: linear in `raw`.
 */
export function decodeTransaction(raw: Uint8Array): Transaction {
  const type = transactionTypeOf(raw);
  return readTransaction(type, decodeList(type === 0 ? raw : raw.subarray(1)), raw);
}

/** The transaction of a decoded list whose canonical encoding is `raw`. Throws as `decodeTransaction`. */
export function readTransaction(
  type: TransactionType,
  fields: readonly RlpItem[],
  raw: Uint8Array,
): Transaction {
  const expected = FIELD_COUNTS[type];
  if (fields.length !== expected)
    throw malformedTransaction(
      `too ${fields.length < expected ? "few" : "many"} elements: a type ${type} transaction has ${expected}`,
    );
  return type === 0 ? readLegacy(fields, raw) : readTyped(type, fields, raw);
}

function readLegacy(fields: readonly RlpItem[], raw: Uint8Array): Transaction {
  const [nonce, gasPrice, gasLimit, to, value, data, v, r, s] = fields;
  const price = integerField(gasPrice, "gasPrice");
  const signature = { v: integerField(v, "v"), r: integerField(r, "r"), s: integerField(s, "s") };
  return {
    type: 0,
    chainId: signature.v >= EIP155_OFFSET ? (signature.v - EIP155_OFFSET) / 2n : undefined,
    nonce: quantityField(nonce, "nonce"),
    to: recipientField(to),
    value: integerField(value, "value"),
    gasLimit: quantityField(gasLimit, "gasLimit"),
    data: bytesField(data, "data"),
    maxFeePerGas: price,
    maxPriorityFeePerGas: price,
    accessList: [],
    authorizationList: [],
    maxFeePerBlobGas: 0n,
    blobVersionedHashes: [],
    signature,
    raw,
  };
}

type Fees = Pick<Transaction, "maxFeePerGas" | "maxPriorityFeePerGas">;

function readFees(
  type: TransactionType,
  fields: readonly RlpItem[],
): { readonly fees: Fees; readonly next: number } {
  if (type === 1) {
    const price = integerField(fields[2], "gasPrice");
    return { fees: { maxFeePerGas: price, maxPriorityFeePerGas: price }, next: 3 };
  }
  return {
    fees: {
      maxPriorityFeePerGas: integerField(fields[2], "maxPriorityFeePerGas"),
      maxFeePerGas: integerField(fields[3], "maxFeePerGas"),
    },
    next: 4,
  };
}

function readTyped(type: TransactionType, fields: readonly RlpItem[], raw: Uint8Array): Transaction {
  const { fees, next } = readFees(type, fields);
  const [gasLimit, to, value, data, accessList] = fields.slice(next, next + 5);
  const [yParity, r, s] = fields.slice(-3);
  const extra = next + 5;
  return {
    type,
    chainId: integerField(fields[0], "chainId"),
    nonce: quantityField(fields[1], "nonce"),
    to: recipientField(to),
    value: integerField(value, "value"),
    gasLimit: quantityField(gasLimit, "gasLimit"),
    data: bytesField(data, "data"),
    ...fees,
    accessList: accessListField(accessList),
    authorizationList: type === 4 ? authorizationListField(fields[extra]) : [],
    maxFeePerBlobGas: type === 3 ? integerField(fields[extra], "maxFeePerBlobGas") : 0n,
    blobVersionedHashes:
      type === 3
        ? listField(fields[extra + 1], "blobVersionedHashes").map((hash) =>
            hashField(hash, "blobVersionedHashes"),
          )
        : [],
    signature: { v: integerField(yParity, "yParity"), r: integerField(r, "r"), s: integerField(s, "s") },
    raw,
  };
}
