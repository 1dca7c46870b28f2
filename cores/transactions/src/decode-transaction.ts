import type { RlpItem } from "@aios/core-rlp/rlp";
import type { Bytes32 } from "@aios/kernel/identifiers";
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
import { readPlainTransaction } from "./read-plain.js";
import type { Transaction, TransactionType } from "./transaction.js";

const FIELD_COUNTS: Readonly<Record<TransactionType, number>> = { 0: 9, 1: 11, 2: 12, 3: 14, 4: 13 };
/** Most transactions lack most lists, and share this one. */
const NOTHING: readonly never[] = Object.freeze([]);
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
  return readPlainTransaction(raw) ?? decodeAnyTransaction(raw);
}

/** As `decodeTransaction`, by the decoder of RLP: for every type, and what says where an encoding is wrong. */
export function decodeAnyTransaction(raw: Uint8Array): Transaction {
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
    accessList: NOTHING,
    authorizationList: NOTHING,
    maxFeePerBlobGas: 0n,
    blobVersionedHashes: NOTHING,
    signature,
    raw,
  };
}

function readTyped(type: TransactionType, fields: readonly RlpItem[], raw: Uint8Array): Transaction {
  const tip = integerField(fields[2], type === 1 ? "gasPrice" : "maxPriorityFeePerGas");
  // EIP-2930 offers one price.
  const at = type === 1 ? 3 : 4;
  const extra = at + 5;
  const end = fields.length;
  return {
    type,
    chainId: integerField(fields[0], "chainId"),
    nonce: quantityField(fields[1], "nonce"),
    to: recipientField(fields[at + 1]),
    value: integerField(fields[at + 2], "value"),
    gasLimit: quantityField(fields[at], "gasLimit"),
    data: bytesField(fields[at + 3], "data"),
    maxFeePerGas: type === 1 ? tip : integerField(fields[3], "maxFeePerGas"),
    maxPriorityFeePerGas: tip,
    accessList: accessListField(fields[at + 4]),
    authorizationList: type === 4 ? authorizationListField(fields[extra]) : NOTHING,
    maxFeePerBlobGas: type === 3 ? integerField(fields[extra], "maxFeePerBlobGas") : 0n,
    blobVersionedHashes: type === 3 ? hashesField(fields[extra + 1], "blobVersionedHashes") : NOTHING,
    signature: {
      v: integerField(fields[end - 3], "yParity"),
      r: integerField(fields[end - 2], "r"),
      s: integerField(fields[end - 1], "s"),
    },
    raw,
  };
}

function hashesField(item: RlpItem | undefined, field: string): Bytes32[] {
  return listField(item, field).map((hash) => hashField(hash, field));
}
