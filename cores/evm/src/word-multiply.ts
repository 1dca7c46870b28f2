/**
 * Multiplication and division of words. Operands that fit a double are computed as doubles; all others go through the
 * kernel of `wide-arithmetic.ts`, in whose memory they are digits.
 */
import { digits, divideDigits, multiplyFull, multiplyLow } from "./wide-arithmetic.js";
import { copyWord, setNumber, setZero } from "./word.js";
import { shiftLeftBy } from "./word-shift.js";

/** Places in the kernel's memory, in digits, with the free digits that division asks for around them. */
const DIVISOR = 2;
const DIVIDEND = 12;
const QUOTIENT = 32;
const LEFT = 52;
const RIGHT = 60;
const RESULT = 68;
const BYTES = 4;
/** Products of smaller limbs are exact as doubles. */
const MAX_EXACT = Number.MAX_SAFE_INTEGER;

/** Number of limbs up to the highest that is not zero. */
function lengthOf(s: Int32Array, a: number): number {
  let length = 8;
  while (length > 0 && s[a + length - 1] === 0) length--;
  return length;
}

const isOneLimb = (s: Int32Array, a: number): boolean =>
  (s[a + 1] | s[a + 2] | s[a + 3] | s[a + 4] | s[a + 5] | s[a + 6] | s[a + 7]) === 0;

/** The word at `out` = the word at `a` × the word at `b`, modulo 2^256. */
export function multiply(s: Int32Array, out: number, a: number, b: number): void {
  if (isOneLimb(s, a) && isOneLimb(s, b)) {
    const product = (s[a] >>> 0) * (s[b] >>> 0);
    if (product <= MAX_EXACT) {
      setNumber(s, out, product);
      return;
    }
  }
  copyWord(digits, LEFT, s, a);
  copyWord(digits, RIGHT, s, b);
  multiplyLow(RESULT * BYTES, LEFT * BYTES, RIGHT * BYTES);
  copyWord(s, out, digits, RESULT);
}

/** Divides the `m` digits at DIVIDEND by the word at `b` of `n` limbs. The remainder is left in the dividend's place. */
function divideDividend(s: Int32Array, b: number, m: number, n: number): void {
  copyWord(digits, DIVISOR, s, b);
  divideDigits(DIVIDEND * BYTES, DIVISOR * BYTES, QUOTIENT * BYTES, m * BYTES, n * BYTES);
}

function copyDigits(s: Int32Array, out: number, from: number, length: number): void {
  for (let i = 0; i < 8; i++) s[out + i] = i < length ? digits[from + i] : 0;
}

const toDouble = (s: Int32Array, a: number): number => (s[a + 1] >>> 0) * 0x100000000 + (s[a] >>> 0);
const fitsDouble = (s: Int32Array, a: number, length: number): boolean =>
  length < 2 || (length === 2 && s[a + 1] >>> 0 <= 0x1fffff);

/** DIV: top / next, zero for division by zero. */
export function div(s: Int32Array, sp: number): void {
  const a = sp - 8;
  const b = sp - 16;
  const n = lengthOf(s, b);
  const m = lengthOf(s, a);
  if (n === 0 || m < n) {
    setZero(s, b);
  } else if (fitsDouble(s, a, m)) {
    setNumber(s, b, Math.floor(toDouble(s, a) / toDouble(s, b)));
  } else {
    copyWord(digits, DIVIDEND, s, a);
    divideDividend(s, b, m, n);
    copyDigits(s, b, QUOTIENT, m - n + 1);
  }
}

/** MOD: top mod next, zero for division by zero. */
export function mod(s: Int32Array, sp: number): void {
  const a = sp - 8;
  const b = sp - 16;
  const n = lengthOf(s, b);
  if (n === 0) return;
  const m = lengthOf(s, a);
  if (m < n) {
    copyWord(s, b, s, a);
  } else if (fitsDouble(s, a, m)) {
    setNumber(s, b, toDouble(s, a) % toDouble(s, b));
  } else {
    copyWord(digits, DIVIDEND, s, a);
    divideDividend(s, b, m, n);
    copyDigits(s, b, DIVIDEND, n);
  }
}

function negate(s: Int32Array, a: number): void {
  let carry = 1;
  for (let i = 0; i < 8; i++) {
    const t = (~s[a + i] >>> 0) + carry;
    s[a + i] = t;
    carry = t > 0xffffffff ? 1 : 0;
  }
}

/** SDIV: top / next truncated towards zero, two's complement. */
export function signedDiv(s: Int32Array, sp: number): void {
  const a = sp - 8;
  const b = sp - 16;
  const negative = s[a + 7] < 0 !== s[b + 7] < 0;
  if (s[a + 7] < 0) negate(s, a);
  if (s[b + 7] < 0) negate(s, b);
  div(s, sp);
  if (negative) negate(s, b);
}

/** SMOD: remainder of `signedDiv`, with the sign of the top. */
export function signedMod(s: Int32Array, sp: number): void {
  const a = sp - 8;
  const b = sp - 16;
  const negative = s[a + 7] < 0;
  if (negative) negate(s, a);
  if (s[b + 7] < 0) negate(s, b);
  mod(s, sp);
  if (negative) negate(s, b);
}

/** The word at `out` becomes the dividend of `length` digits modulo itself. */
function reduce(s: Int32Array, out: number, length: number, n: number): void {
  let m = length;
  while (m > 0 && digits[DIVIDEND + m - 1] === 0) m--;
  if (m >= n) divideDividend(s, out, m, n);
  copyDigits(s, out, DIVIDEND, Math.min(m, n));
}

/** ADDMOD: (top + next) mod third, of the full 257-bit sum. */
export function addMod(s: Int32Array, sp: number): void {
  const out = sp - 24;
  const n = lengthOf(s, out);
  if (n === 0) return;
  let carry = 0;
  for (let i = 0; i < 8; i++) {
    const t = (s[sp - 8 + i] >>> 0) + (s[sp - 16 + i] >>> 0) + carry;
    digits[DIVIDEND + i] = t;
    carry = t > 0xffffffff ? 1 : 0;
  }
  digits[DIVIDEND + 8] = carry;
  reduce(s, out, 9, n);
}

/** MULMOD: (top × next) mod third, of the full 512-bit product. */
export function mulMod(s: Int32Array, sp: number): void {
  const out = sp - 24;
  const n = lengthOf(s, out);
  if (n === 0) return;
  copyWord(digits, LEFT, s, sp - 8);
  copyWord(digits, RIGHT, s, sp - 16);
  multiplyFull(DIVIDEND * BYTES, LEFT * BYTES, RIGHT * BYTES);
  reduce(s, out, 16, n);
}

/** The exponent of a power of two, else −1. */
function binaryLogarithm(s: Int32Array, a: number): number {
  const limb = lengthOf(s, a) - 1;
  if (limb < 0) return -1;
  const top = s[a + limb];
  if ((top & (top - 1)) !== 0) return -1;
  for (let i = 0; i < limb; i++) if (s[a + i] !== 0) return -1;
  return limb * 32 + 31 - Math.clz32(top);
}

/** EXP: top to the power of next, modulo 2^256: a shift for powers of two, else by squaring from the highest bit. */
export function exp(s: Int32Array, sp: number): void {
  const b = sp - 16;
  const length = lengthOf(s, b);
  if (length === 0) {
    setNumber(s, b, 1);
    return;
  }
  const log = binaryLogarithm(s, sp - 8);
  if (log >= 0) {
    const shift = length === 1 ? log * (s[b] >>> 0) : log === 0 ? 0 : 256;
    setNumber(s, b, 1);
    shiftLeftBy(s, b, shift);
    return;
  }
  copyWord(digits, RIGHT, s, sp - 8);
  copyWord(digits, LEFT, s, sp - 8);
  let [power, spare] = [LEFT, RESULT];
  const multiplyPower = (by: number): void => {
    multiplyLow(spare * BYTES, power * BYTES, by * BYTES);
    [power, spare] = [spare, power];
  };
  let bit = (length - 1) * 32 + 30 - Math.clz32(s[b + length - 1]);
  for (; bit >= 0; bit--) {
    multiplyPower(power);
    if (((s[b + (bit >> 5)] >>> (bit & 31)) & 1) === 1) multiplyPower(RIGHT);
  }
  copyWord(s, b, digits, power);
}
