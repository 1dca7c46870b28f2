import { setZero } from "./word.js";

/** A shift of 256 or more has this value. */
const OUT_OF_RANGE = 256;

function shiftOf(s: Int32Array, a: number): number {
  const high = s[a + 1] | s[a + 2] | s[a + 3] | s[a + 4] | s[a + 5] | s[a + 6] | s[a + 7];
  return high !== 0 || s[a] >>> 0 >= 256 ? OUT_OF_RANGE : s[a];
}

/** Shifts the word at `a` left in place; by 256 or more it is zero. */
export function shiftLeftBy(s: Int32Array, a: number, shift: number): void {
  if (shift >= OUT_OF_RANGE) {
    setZero(s, a);
    return;
  }
  const limbs = shift >> 5;
  const bits = shift & 31;
  for (let i = 7; i >= 0; i--) {
    const from = i - limbs;
    const high = from >= 0 ? s[a + from] : 0;
    const low = from >= 1 ? s[a + from - 1] : 0;
    s[a + i] = bits === 0 ? high : (high << bits) | (low >>> (32 - bits));
  }
}

/** SHL (EIP-145): next << top. */
export function shiftLeft(s: Int32Array, sp: number): void {
  shiftLeftBy(s, sp - 16, shiftOf(s, sp - 8));
}

function shiftDown(s: Int32Array, b: number, shift: number, fill: number): void {
  const limbs = shift >> 5;
  const bits = shift & 31;
  for (let i = 0; i < 8; i++) {
    const from = i + limbs;
    const low = from < 8 ? s[b + from] : fill;
    const high = from < 7 ? s[b + from + 1] : fill;
    s[b + i] = bits === 0 ? low : (low >>> bits) | (high << (32 - bits));
  }
}

/** SHR (EIP-145): next >> top, unsigned. */
export function shiftRight(s: Int32Array, sp: number): void {
  const shift = shiftOf(s, sp - 8);
  if (shift === OUT_OF_RANGE) setZero(s, sp - 16);
  else shiftDown(s, sp - 16, shift, 0);
}

/** SAR (EIP-145): next >> top, two's complement. */
export function shiftRightSigned(s: Int32Array, sp: number): void {
  const shift = shiftOf(s, sp - 8);
  const b = sp - 16;
  const fill = s[b + 7] >> 31;
  if (shift === OUT_OF_RANGE) s.fill(fill, b, b + 8);
  else shiftDown(s, b, shift, fill);
}

/** BYTE: byte number top of next, counted from the most significant. */
export function byteAt(s: Int32Array, sp: number): void {
  const a = sp - 8;
  const b = sp - 16;
  const index = shiftOf(s, a);
  let value = 0;
  if (index < 32) {
    const fromLow = 31 - index;
    value = (s[b + (fromLow >> 2)] >>> ((fromLow & 3) << 3)) & 0xff;
  }
  setZero(s, b);
  s[b] = value;
}

/** SIGNEXTEND: extends next as a two's complement integer of top + 1 bytes. */
export function signExtend(s: Int32Array, sp: number): void {
  const size = shiftOf(s, sp - 8);
  if (size >= 31) return;
  const b = sp - 16;
  const limb = size >> 2;
  const bits = ((size & 3) + 1) * 8;
  const value = (s[b + limb] << (32 - bits)) >> (32 - bits);
  s[b + limb] = value;
  s.fill(value >> 31, b + limb + 1, b + 8);
}

/** Number of leading zero bits of the word at `a`, 256 for zero (EIP-7939). */
export function leadingZeros(s: Int32Array, a: number): number {
  for (let i = 7; i >= 0; i--) if (s[a + i] !== 0) return (7 - i) * 32 + Math.clz32(s[a + i]);
  return 256;
}
