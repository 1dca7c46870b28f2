import type { Address, Bytes32 } from "@aios/kernel/identifiers";

const BYTE_HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) =>
  byte.toString(16).padStart(2, "0"),
);

/** Bytes to `0x` lower-case hex. */
export function toHex(bytes: Uint8Array): string {
  let out = "0x";
  for (let i = 0; i < bytes.length; i++) out += BYTE_HEX[bytes[i] as number];
  return out;
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

/** Big-endian bytes without leading zeros; 0 gives no bytes (the RLP form of an integer). */
export function bigintToBytes(value: bigint): Uint8Array {
  if (value === 0n) return new Uint8Array(0);
  const hex = value.toString(16);
  return fromHex(`0x${hex.length % 2 === 0 ? hex : `0${hex}`}`);
}

/** Big-endian bytes to an integer; no bytes give 0. */
export function bytesToBigint(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt(toHex(bytes));
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
