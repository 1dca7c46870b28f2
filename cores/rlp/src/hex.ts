import type { Address, Bytes32 } from "@aios/kernel/identifiers";

const BYTE_HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) =>
  byte.toString(16).padStart(2, "0"),
);

/** For `0x` and so many bytes in hex. One for each length that is frequent: addresses and hashes. */
const CHAR_CODES: ReadonlyMap<number, number[]> = new Map(
  [20, 32].map((length) => [length, [..."0x".padEnd(2 + 2 * length, "0")].map((char) => char.charCodeAt(0))]),
);
const HEX_CODES = Uint8Array.from([...BYTE_HEX.join("")], (char) => char.charCodeAt(0));

/** Bytes to `0x` lower-case hex. */
export function toHex(bytes: Uint8Array): string {
  return rangeToHex(bytes, 0, bytes.length);
}

/** The bytes from `from` to before `end` to `0x` lower-case hex. */
export function rangeToHex(bytes: Uint8Array, from: number, end: number): string {
  const codes = CHAR_CODES.get(end - from);
  if (codes === undefined) {
    let out = "0x";
    for (let i = from; i < end; i++) out += BYTE_HEX[bytes[i] as number];
    return out;
  }
  // Flat from the start: a string that grows by two characters is a tree, which costs more to make and to look up.
  for (let i = from, at = 2; i < end; i++) {
    const code = (bytes[i] as number) * 2;
    codes[at++] = HEX_CODES[code] as number;
    codes[at++] = HEX_CODES[code + 1] as number;
  }
  return String.fromCharCode.apply(null, codes);
}

const NIBBLE_OF_CHAR = new Uint8Array(128);
for (let value = 0; value < 16; value++) {
  NIBBLE_OF_CHAR[value.toString(16).charCodeAt(0)] = value;
  NIBBLE_OF_CHAR[value.toString(16).toUpperCase().charCodeAt(0)] = value;
}

/** `0x` hex of even length to bytes. The caller guarantees the form; use the RPC parsers for foreign input. */
export function fromHex(hex: string): Uint8Array {
  const out = new Uint8Array((hex.length - 2) >> 1);
  for (let i = 0, at = 2; i < out.length; i++, at += 2) {
    const high = NIBBLE_OF_CHAR[hex.charCodeAt(at)] as number;
    out[i] = (high << 4) | (NIBBLE_OF_CHAR[hex.charCodeAt(at + 1)] as number);
  }
  return out;
}

export function addressOf(bytes: Uint8Array): Address {
  return toHex(bytes) as Address;
}

export function bytes32Of(bytes: Uint8Array): Bytes32 {
  return toHex(bytes) as Bytes32;
}

const NO_BYTES = new Uint8Array(0);
const WORD_BYTES = 32;
const LIMB_BYTES = 8;
const LIMB_BITS = 64n;
const LIMB_LIMIT = 2n ** LIMB_BITS;
const WORD_LIMIT = 2n ** 256n;
// Conversions of up to 256 bits go through this word: they take no detour over text. Each is complete before the next.
const scratch = new Uint8Array(WORD_BYTES);
const limbs = new DataView(scratch.buffer);
const LAST_LIMB = WORD_BYTES - LIMB_BYTES;

/** Big-endian bytes without leading zeros; 0 gives no bytes (the RLP form of an integer). */
export function bigintToBytes(value: bigint): Uint8Array {
  if (value === 0n) return NO_BYTES;
  if (value >= WORD_LIMIT) return longBytes(value);
  let start = LAST_LIMB;
  limbs.setBigUint64(start, value);
  for (let rest = value; rest >= LIMB_LIMIT; ) {
    rest >>= LIMB_BITS;
    start -= LIMB_BYTES;
    limbs.setBigUint64(start, rest);
  }
  while (scratch[start] === 0) start++;
  return scratch.slice(start);
}

function longBytes(value: bigint): Uint8Array {
  const hex = value.toString(16);
  return fromHex(`0x${hex.length % 2 === 0 ? hex : `0${hex}`}`);
}

/** Integers of so many bytes are numbers without loss. */
const NUMBER_BYTES = 6;

/** Big-endian bytes to an integer; no bytes give 0. */
export function bytesToBigint(bytes: Uint8Array): bigint {
  return rangeToBigint(bytes, 0, bytes.length);
}

/** The big-endian bytes from `from` to before `end` to an integer; no bytes give 0. */
export function rangeToBigint(bytes: Uint8Array, from: number, end: number): bigint {
  const length = end - from;
  if (length <= NUMBER_BYTES) {
    let number = 0;
    for (let i = from; i < end; i++) number = number * 256 + (bytes[i] as number);
    return BigInt(number);
  }
  if (length > WORD_BYTES) return BigInt(rangeToHex(bytes, from, end));
  const first = WORD_BYTES - length;
  let start = LAST_LIMB;
  while (start > first) start -= LIMB_BYTES;
  for (let i = start; i < first; i++) scratch[i] = 0;
  for (let i = 0; i < length; i++) scratch[first + i] = bytes[from + i] as number;
  let out = limbs.getBigUint64(start);
  for (let at = start + LIMB_BYTES; at < WORD_BYTES; at += LIMB_BYTES)
    out = (out << LIMB_BITS) | limbs.getBigUint64(at);
  return out;
}

/** A 256-bit word, big endian, left padded. */
export function word(value: bigint): Uint8Array {
  const out = new Uint8Array(32);
  const bytes = bigintToBytes(value);
  out.set(bytes, 32 - bytes.length);
  return out;
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const out = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    out.set(part, offset);
    offset += part.length;
  }
  return out;
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Removes leading zero bytes. */
export function unpad(bytes: Uint8Array): Uint8Array {
  let start = 0;
  while (start < bytes.length && bytes[start] === 0) start++;
  return start === 0 ? bytes : bytes.subarray(start);
}
