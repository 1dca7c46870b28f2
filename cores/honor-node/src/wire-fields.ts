import type { RlpItem } from "@aios/core-rlp/rlp";
import { CodedError, isCodedError } from "@aios/kernel/coded-error";
import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import { GENESIS_BLOCK } from "./block-dag.js";

const HASH_BYTES = 32;
/** Heights, rounds, ticks and the like stay below this. */
const MAX_INTEGER_BYTES = 6;
const GENESIS = new Uint8Array(0);

/** Throws `malformed-packet` for a field; codes and fields are few, so that they can be counted. */
export function malformed(field: string, cause?: unknown): CodedError {
  return new CodedError({
    code: "malformed-packet",
    kind: "invalid",
    field,
    message: `The packet is malformed: ${field}.`,
    ...(cause === undefined ? {} : { cause }),
  });
}

/** Runs a decoder; whatever coded error it meets comes out as `malformed-packet`. */
export function decoding<T>(field: string, decode: () => T): T {
  try {
    return decode();
  } catch (cause) {
    if (!isCodedError(cause) || cause.code === "malformed-packet") throw cause;
    throw malformed(field, cause);
  }
}

/** The items of a list of exactly `length`, or of at most `most`. */
export function listOf(
  item: RlpItem | undefined,
  field: string,
  most: number,
  least = 0,
): readonly RlpItem[] {
  if (item === undefined || item instanceof Uint8Array || item.length > most || item.length < least)
    throw malformed(field);
  return item;
}

export function bytesOf(item: RlpItem | undefined, field: string, most: number, least = 0): Uint8Array {
  if (!(item instanceof Uint8Array) || item.length > most || item.length < least) throw malformed(field);
  return item;
}

/** As `bytesOf`, apart from what they were read from: a view would keep, or change with, the whole packet. */
export function copyOf(item: RlpItem | undefined, field: string, most: number, least = 0): Uint8Array {
  return new Uint8Array(bytesOf(item, field, most, least));
}

/** A whole number from 0 below 2^48, without leading zeros. */
export function integerOf(item: RlpItem | undefined, field: string): number {
  const bytes = bytesOf(item, field, MAX_INTEGER_BYTES);
  if (bytes[0] === 0) throw malformed(field);
  return bytes.reduce((value, byte) => value * 256 + byte, 0);
}

export function integerItem(value: number): Uint8Array {
  const bytes: number[] = [];
  for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Uint8Array.from(bytes);
}

export function hexOf(item: RlpItem | undefined, field: string, length: number): string {
  return bytesToHex(bytesOf(item, field, length, length));
}

/** A hash as 64 digits. */
export function hashOf(item: RlpItem | undefined, field: string): string {
  return hexOf(item, field, HASH_BYTES);
}

/** A hash, or the name of what comes before the first: no bytes. */
export function idOf(item: RlpItem | undefined, field: string): string {
  return item instanceof Uint8Array && item.length === 0 ? GENESIS_BLOCK : hashOf(item, field);
}

export function idItem(id: string): Uint8Array {
  return id === GENESIS_BLOCK ? GENESIS : hexToBytes(id);
}
