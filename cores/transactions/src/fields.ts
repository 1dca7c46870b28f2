import { addressOf, bytes32Of, bytesToBigint } from "@aios/core-rlp/hex";
import { decodeRlp, type RlpItem } from "@aios/core-rlp/rlp";
import { isCodedError } from "@aios/kernel/coded-error";
import type { Address, Bytes32 } from "@aios/kernel/identifiers";
import { integerOverflow, malformedTransaction, nonCanonicalInteger, wrongLength } from "./errors.js";
import type { AccessListEntry, Authorization } from "./transaction.js";

const WORD_BYTES = 32;
const ADDRESS_BYTES = 20;
const QUANTITY_BYTES = 8;
/** Blob wrapper, transaction, access list, entry, keys: nothing in a transaction is nested deeper. */
const MAX_DEPTH = 5;

const NO_ENTRIES: readonly AccessListEntry[] = Object.freeze([]);

/** The list that `bytes` encode. Throws `malformed-transaction`. */
export function decodeList(bytes: Uint8Array): readonly RlpItem[] {
  let item: RlpItem;
  try {
    item = decodeRlp(bytes, MAX_DEPTH);
  } catch (cause) {
    if (!isCodedError(cause)) throw cause;
    throw malformedTransaction(cause.message);
  }
  return listField(item, "transaction");
}

/** Every reader below throws `malformed-transaction` for an item of the wrong kind. */
export function listField(item: RlpItem | undefined, field: string): readonly RlpItem[] {
  if (item === undefined || item instanceof Uint8Array)
    throw malformedTransaction(`expected a list for ${field}`, field);
  return item;
}

export function bytesField(item: RlpItem | undefined, field: string): Uint8Array {
  if (!(item instanceof Uint8Array)) throw malformedTransaction(`expected bytes for ${field}`, field);
  return item;
}

/** Throws `wrong-field-length` too. */
export function fixedBytes(item: RlpItem | undefined, field: string, length: number): Uint8Array {
  const bytes = bytesField(item, field);
  if (bytes.length !== length) throw wrongLength(field, bytes.length, length);
  return bytes;
}

/** An integer of at most 256 bits. Throws `non-canonical-integer`, `integer-overflow` too. */
export function integerField(item: RlpItem | undefined, field: string, maxBytes = WORD_BYTES): bigint {
  const bytes = bytesField(item, field);
  if (bytes[0] === 0) throw nonCanonicalInteger(field);
  if (bytes.length > maxBytes) throw integerOverflow(field, maxBytes);
  return bytesToBigint(bytes);
}

/** An integer of at most 64 bits. */
export function quantityField(item: RlpItem | undefined, field: string): bigint {
  return integerField(item, field, QUANTITY_BYTES);
}

export function addressField(item: RlpItem | undefined, field: string): Address {
  return addressOf(fixedBytes(item, field, ADDRESS_BYTES));
}

/** The recipient; no bytes create a contract. */
export function recipientField(item: RlpItem | undefined): Address | null {
  return bytesField(item, "to").length === 0 ? null : addressField(item, "to");
}

export function hashField(item: RlpItem | undefined, field: string): Bytes32 {
  return bytes32Of(fixedBytes(item, field, WORD_BYTES));
}

function exactly(items: readonly RlpItem[], count: number, field: string): readonly RlpItem[] {
  if (items.length !== count)
    throw malformedTransaction(`${field} has ${items.length} fields, not ${count}`, field);
  return items;
}

/** EIP-2930. */
export function accessListField(item: RlpItem | undefined): readonly AccessListEntry[] {
  const list = listField(item, "accessList");
  if (list.length === 0) return NO_ENTRIES;
  return list.map((entry, index) => {
    const field = `accessList.${index}`;
    const [owner, keys] = exactly(listField(entry, field), 2, field);
    return {
      address: addressField(owner, `${field}.address`),
      storageKeys: listField(keys, `${field}.storageKeys`).map((key) =>
        hashField(key, `${field}.storageKeys`),
      ),
    };
  });
}

/** EIP-7702. */
export function authorizationListField(item: RlpItem | undefined): Authorization[] {
  return listField(item, "authorizationList").map((entry, index) => {
    const field = `authorizationList.${index}`;
    const [chainId, owner, nonce, yParity, r, s] = exactly(listField(entry, field), 6, field);
    return {
      chainId: integerField(chainId, `${field}.chainId`),
      address: addressField(owner, `${field}.address`),
      nonce: quantityField(nonce, `${field}.nonce`),
      yParity: Number(integerField(yParity, `${field}.yParity`, 1)),
      r: integerField(r, `${field}.r`),
      s: integerField(s, `${field}.s`),
    };
  });
}
