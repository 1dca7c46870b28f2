/**
 * 256-bit words as eight 32-bit limbs, least significant first, inside an `Int32Array`. Limbs are signed only in
 * storage: every reader that compares or carries takes them as unsigned. An address is the first five limbs.
 *
 * Stack operations take the stack `s` and `sp`, the index behind the top word; a binary operation reads the top word
 * and the one below it and writes its result into the latter (Yellow Paper, appendix H). None allocates.
 */
export const LIMBS = 8;
/** The carry threshold of a limb. */
const LIMIT = 0xffffffff;

/** ADD: top + next, modulo 2^256. */
export function add(s: Int32Array, sp: number): void {
  const a = sp - 8;
  const b = sp - 16;
  let t = (s[a] >>> 0) + (s[b] >>> 0);
  s[b] = t;
  t = (s[a + 1] >>> 0) + (s[b + 1] >>> 0) + (t > LIMIT ? 1 : 0);
  s[b + 1] = t;
  t = (s[a + 2] >>> 0) + (s[b + 2] >>> 0) + (t > LIMIT ? 1 : 0);
  s[b + 2] = t;
  t = (s[a + 3] >>> 0) + (s[b + 3] >>> 0) + (t > LIMIT ? 1 : 0);
  s[b + 3] = t;
  t = (s[a + 4] >>> 0) + (s[b + 4] >>> 0) + (t > LIMIT ? 1 : 0);
  s[b + 4] = t;
  t = (s[a + 5] >>> 0) + (s[b + 5] >>> 0) + (t > LIMIT ? 1 : 0);
  s[b + 5] = t;
  t = (s[a + 6] >>> 0) + (s[b + 6] >>> 0) + (t > LIMIT ? 1 : 0);
  s[b + 6] = t;
  t = (s[a + 7] >>> 0) + (s[b + 7] >>> 0) + (t > LIMIT ? 1 : 0);
  s[b + 7] = t;
}

/** SUB: top − next, modulo 2^256. */
export function sub(s: Int32Array, sp: number): void {
  const a = sp - 8;
  const b = sp - 16;
  let t = (s[a] >>> 0) - (s[b] >>> 0);
  s[b] = t;
  t = (s[a + 1] >>> 0) - (s[b + 1] >>> 0) - (t < 0 ? 1 : 0);
  s[b + 1] = t;
  t = (s[a + 2] >>> 0) - (s[b + 2] >>> 0) - (t < 0 ? 1 : 0);
  s[b + 2] = t;
  t = (s[a + 3] >>> 0) - (s[b + 3] >>> 0) - (t < 0 ? 1 : 0);
  s[b + 3] = t;
  t = (s[a + 4] >>> 0) - (s[b + 4] >>> 0) - (t < 0 ? 1 : 0);
  s[b + 4] = t;
  t = (s[a + 5] >>> 0) - (s[b + 5] >>> 0) - (t < 0 ? 1 : 0);
  s[b + 5] = t;
  t = (s[a + 6] >>> 0) - (s[b + 6] >>> 0) - (t < 0 ? 1 : 0);
  s[b + 6] = t;
  t = (s[a + 7] >>> 0) - (s[b + 7] >>> 0) - (t < 0 ? 1 : 0);
  s[b + 7] = t;
}

/** Whether the word at `a` is less than the one at `b`, unsigned. */
export function lessThan(s: Int32Array, a: number, b: number): boolean {
  for (let i = 7; i >= 0; i--) {
    const x = s[a + i];
    const y = s[b + i];
    if (x !== y) return x >>> 0 < y >>> 0;
  }
  return false;
}

/** Whether the word at `a` is less than the one at `b`, two's complement. */
export function signedLessThan(s: Int32Array, a: number, b: number): boolean {
  const x = s[a + 7];
  const y = s[b + 7];
  return x < 0 === y < 0 ? lessThan(s, a, b) : x < y;
}

/** Whether two words are the same. */
export function equal(s: Int32Array, a: number, b: number): boolean {
  return (
    s[a] === s[b] &&
    s[a + 1] === s[b + 1] &&
    s[a + 2] === s[b + 2] &&
    s[a + 3] === s[b + 3] &&
    s[a + 4] === s[b + 4] &&
    s[a + 5] === s[b + 5] &&
    s[a + 6] === s[b + 6] &&
    s[a + 7] === s[b + 7]
  );
}

/** Whether the word at `a` is zero. */
export function isZero(s: Int32Array, a: number): boolean {
  return (s[a] | s[a + 1] | s[a + 2] | s[a + 3] | s[a + 4] | s[a + 5] | s[a + 6] | s[a + 7]) === 0;
}

/** Writes a non-negative integer below 2^53. */
export function setNumber(s: Int32Array, a: number, value: number): void {
  s[a] = value;
  s[a + 1] = value > LIMIT ? Math.floor(value / 0x100000000) : 0;
  s[a + 2] = 0;
  s[a + 3] = 0;
  s[a + 4] = 0;
  s[a + 5] = 0;
  s[a + 6] = 0;
  s[a + 7] = 0;
}

/** Writes zero. */
export function setZero(s: Int32Array, a: number): void {
  s[a] = 0;
  s[a + 1] = 0;
  s[a + 2] = 0;
  s[a + 3] = 0;
  s[a + 4] = 0;
  s[a + 5] = 0;
  s[a + 6] = 0;
  s[a + 7] = 0;
}

/** Copies one word. */
export function copyWord(to: Int32Array, a: number, from: Int32Array, b: number): void {
  to[a] = from[b];
  to[a + 1] = from[b + 1];
  to[a + 2] = from[b + 2];
  to[a + 3] = from[b + 3];
  to[a + 4] = from[b + 4];
  to[a + 5] = from[b + 5];
  to[a + 6] = from[b + 6];
  to[a + 7] = from[b + 7];
}

/** Exchanges two words. */
export function swapWords(s: Int32Array, a: number, b: number): void {
  for (let i = 0; i < 8; i++) {
    const kept = s[a + i];
    s[a + i] = s[b + i];
    s[b + i] = kept;
  }
}

/** The word as a number; every value of 2^53 or more becomes 2^53 − 1, which no gas can pay for. */
export function toNumber(s: Int32Array, a: number): number {
  const high = s[a + 1] >>> 0;
  if (high > 0x1fffff || (s[a + 2] | s[a + 3] | s[a + 4] | s[a + 5] | s[a + 6] | s[a + 7]) !== 0)
    return Number.MAX_SAFE_INTEGER;
  return high * 0x100000000 + (s[a] >>> 0);
}

/** The word as a BigInt. Allocates: for balances and the edges only. */
export function toBigint(s: Int32Array, a: number): bigint {
  if ((s[a + 2] | s[a + 3] | s[a + 4] | s[a + 5] | s[a + 6] | s[a + 7]) === 0 && s[a + 1] >>> 0 < 0x200000)
    return BigInt((s[a + 1] >>> 0) * 0x100000000 + (s[a] >>> 0));
  let value = 0n;
  for (let i = 6; i >= 0; i -= 2)
    value = (value << 64n) | (BigInt(s[a + i + 1] >>> 0) << 32n) | BigInt(s[a + i] >>> 0);
  return value;
}

/** Writes a BigInt from 0 to 2^256 − 1. */
export function setBigint(s: Int32Array, a: number, value: bigint): void {
  if (value <= 0x1fffffffffffffn) {
    setNumber(s, a, Number(value));
    return;
  }
  let rest = value;
  for (let i = 0; i < 8; i++) {
    s[a + i] = Number(rest & 0xffffffffn);
    rest >>= 32n;
  }
}

/** Reads `length` (at most 32) big-endian bytes as a word. */
export function setBytes(s: Int32Array, a: number, bytes: Uint8Array, from: number, length: number): void {
  let limb = a;
  let end = from + length;
  for (; end - from >= 4; end -= 4)
    s[limb++] = bytes[end - 1] | (bytes[end - 2] << 8) | (bytes[end - 3] << 16) | (bytes[end - 4] << 24);
  if (end > from) {
    let rest = 0;
    for (let i = from; i < end; i++) rest = (rest << 8) | bytes[i];
    s[limb++] = rest;
  }
  while (limb < a + 8) s[limb++] = 0;
}

/** Writes the word as 32 big-endian bytes. */
export function writeBytes(s: Int32Array, a: number, out: Uint8Array, at: number): void {
  for (let i = 0; i < 8; i++) {
    const limb = s[a + 7 - i];
    const o = at + i * 4;
    out[o] = limb >>> 24;
    out[o + 1] = limb >>> 16;
    out[o + 2] = limb >>> 8;
    out[o + 3] = limb;
  }
}

/** The word as 32 fresh big-endian bytes. */
export function toBytes(s: Int32Array, a: number): Uint8Array {
  const out = new Uint8Array(32);
  writeBytes(s, a, out, 0);
  return out;
}

/** The low 160 bits as 20 fresh big-endian bytes. */
export function toAddressBytes(s: Int32Array, a: number): Uint8Array {
  const out = new Uint8Array(20);
  for (let i = 0; i < 20; i++) out[19 - i] = s[a + (i >> 2)] >>> ((i & 3) << 3);
  return out;
}
