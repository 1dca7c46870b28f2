import { rangeToBigint, rangeToHex } from "@aios/core-rlp/hex";
import type { Address } from "@aios/kernel/identifiers";
import type { Transaction } from "./transaction.js";

const NO_BYTES = new Uint8Array(0);
const NOTHING: readonly never[] = Object.freeze([]);
const STRING = 0x80;
const LONG_STRING = 0xb7;
const LIST = 0xc0;
const LONG_LIST = 0xf7;
const SHORT_LENGTH = 55;
/** Bytes of a length: what is longer than 65,535 bytes is read in the general way. */
const MAX_LENGTH_BYTES = 2;
const WORD_BYTES = 32;
const QUANTITY_BYTES = 8;
const ADDRESS_BYTES = 20;
const EIP155_OFFSET = 35n;
const MAX_ITEMS = 12;

/** Where the items of the list at hand are. One decoder runs at a time. */
const starts = new Int32Array(MAX_ITEMS);
const ends = new Int32Array(MAX_ITEMS);

/** The length that `count` bytes at `at` say; -1 where it is not the shortest way to say it. */
function lengthAt(raw: Uint8Array, at: number, count: number): number {
  if (count > MAX_LENGTH_BYTES || at + count > raw.length) return -1;
  let length = 0;
  for (let i = 0; i < count; i++) length = length * 256 + (raw[at + i] as number);
  return raw[at] === 0 || length <= SHORT_LENGTH ? -1 : length;
}

/**
 * Finds the items of the list from `at` to the end of `raw`: exactly `count`, of which only the one at `listIndex` is a
 * list, and that has nothing in it. False for anything else, canonical or not.
 */
function findItems(raw: Uint8Array, from: number, count: number, listIndex: number): boolean {
  const head = raw[from] as number;
  let at = from + 1;
  let length = head - LIST;
  if (head > LONG_LIST) {
    length = lengthAt(raw, at, head - LONG_LIST);
    at += head - LONG_LIST;
  }
  if (length < 0 || at + length !== raw.length) return false;
  for (let index = 0; index < count; index++) {
    if (at >= raw.length) return false;
    const first = raw[at] as number;
    let start = at;
    let end = at + 1;
    if (index === listIndex) {
      if (first !== LIST) return false;
      start = end;
    } else if (first >= STRING) {
      if (first >= LIST) return false;
      start = at + 1;
      let size = first - STRING;
      if (first > LONG_STRING) {
        size = lengthAt(raw, start, first - LONG_STRING);
        start += first - LONG_STRING;
      }
      end = start + size;
      if (size < 0 || end > raw.length || (size === 1 && (raw[start] as number) < STRING)) return false;
    }
    starts[index] = start;
    ends[index] = end;
    at = end;
  }
  return at === raw.length;
}

function isInteger(raw: Uint8Array, index: number, maxBytes: number): boolean {
  const start = starts[index] as number;
  const length = (ends[index] as number) - start;
  return length <= maxBytes && (length === 0 || raw[start] !== 0);
}

function integer(raw: Uint8Array, index: number): bigint {
  return rangeToBigint(raw, starts[index] as number, ends[index] as number);
}

function bytes(raw: Uint8Array, index: number): Uint8Array {
  const start = starts[index] as number;
  const end = ends[index] as number;
  return start === end ? NO_BYTES : raw.subarray(start, end);
}

/**
 * A legacy or EIP-1559 transaction without access list, which nearly all are, read without a view for each of its items.
 * What it gives is what the general decoder gives; nothing where it is any other transaction or not canonical, so that
 * the general decoder says what is wrong. Cost: linear in the number of fields.
 */
export function readPlainTransaction(raw: Uint8Array): Transaction | undefined {
  const first = raw[0];
  if (first === undefined) return undefined;
  if (first >= LIST) return findItems(raw, 0, 9, -1) ? readLegacy(raw) : undefined;
  return first === 2 && (raw[1] as number) >= LIST && findItems(raw, 1, 12, 8)
    ? readFeeMarket(raw)
    : undefined;
}

/** Whether the items of a transaction have the forms of its fields, the first of which is the nonce at `nonce`. */
function areFields(raw: Uint8Array, nonce: number, fees: number): boolean {
  const gas = nonce + 1 + fees;
  for (let fee = nonce + 1; fee < gas; fee++) if (!isInteger(raw, fee, WORD_BYTES)) return false;
  const recipient = (ends[gas + 1] as number) - (starts[gas + 1] as number);
  return (
    isInteger(raw, nonce, QUANTITY_BYTES) &&
    isInteger(raw, gas, QUANTITY_BYTES) &&
    (recipient === 0 || recipient === ADDRESS_BYTES) &&
    isInteger(raw, gas + 2, WORD_BYTES)
  );
}

/** Whether the last three of `count` items are the integers of a signature. */
function isSigned(raw: Uint8Array, count: number): boolean {
  for (let index = count - 3; index < count; index++) if (!isInteger(raw, index, WORD_BYTES)) return false;
  return true;
}

function recipientAt(raw: Uint8Array, index: number): Address | null {
  const start = starts[index] as number;
  const end = ends[index] as number;
  return start === end ? null : (rangeToHex(raw, start, end) as Address);
}

function readLegacy(raw: Uint8Array): Transaction | undefined {
  if (!areFields(raw, 0, 1) || !isSigned(raw, 9)) return undefined;
  const price = integer(raw, 1);
  const signature = { v: integer(raw, 6), r: integer(raw, 7), s: integer(raw, 8) };
  return {
    type: 0,
    chainId: signature.v >= EIP155_OFFSET ? (signature.v - EIP155_OFFSET) / 2n : undefined,
    nonce: integer(raw, 0),
    to: recipientAt(raw, 3),
    value: integer(raw, 4),
    gasLimit: integer(raw, 2),
    data: bytes(raw, 5),
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

function readFeeMarket(raw: Uint8Array): Transaction | undefined {
  if (!isInteger(raw, 0, WORD_BYTES) || !areFields(raw, 1, 2) || !isSigned(raw, 12)) return undefined;
  return {
    type: 2,
    chainId: integer(raw, 0),
    nonce: integer(raw, 1),
    to: recipientAt(raw, 5),
    value: integer(raw, 6),
    gasLimit: integer(raw, 4),
    data: bytes(raw, 7),
    maxFeePerGas: integer(raw, 3),
    maxPriorityFeePerGas: integer(raw, 2),
    accessList: NOTHING,
    authorizationList: NOTHING,
    maxFeePerBlobGas: 0n,
    blobVersionedHashes: NOTHING,
    signature: { v: integer(raw, 9), r: integer(raw, 10), s: integer(raw, 11) },
    raw,
  };
}
