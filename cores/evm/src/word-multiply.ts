/**
 * Multiplication and division in digits of 24 bits held as doubles: a product of two digits and the sum of a column of
 * eleven stay below 2^53, so that the arithmetic is exact and no carry is needed inside a column.
 */
const BASE = 0x1000000;
const INVERSE = 1 / BASE;
const DIGITS = 11;

const left = new Float64Array(DIGITS);
const right = new Float64Array(DIGITS);
/** A product of two words, or the dividend. */
const wide = new Float64Array(2 * DIGITS + 2);
const divisor = new Float64Array(DIGITS + 1);
const quotient = new Float64Array(2 * DIGITS + 2);

function split(d: Float64Array, s: Int32Array, a: number): number {
  const l0 = s[a];
  const l1 = s[a + 1];
  const l2 = s[a + 2];
  d[0] = l0 & 0xffffff;
  d[1] = (l0 >>> 24) | ((l1 & 0xffff) << 8);
  d[2] = (l1 >>> 16) | ((l2 & 0xff) << 16);
  d[3] = l2 >>> 8;
  const l3 = s[a + 3];
  const l4 = s[a + 4];
  const l5 = s[a + 5];
  d[4] = l3 & 0xffffff;
  d[5] = (l3 >>> 24) | ((l4 & 0xffff) << 8);
  d[6] = (l4 >>> 16) | ((l5 & 0xff) << 16);
  d[7] = l5 >>> 8;
  const l6 = s[a + 6];
  const l7 = s[a + 7];
  d[8] = l6 & 0xffffff;
  d[9] = (l6 >>> 24) | ((l7 & 0xffff) << 8);
  d[10] = l7 >>> 16;
  let length = DIGITS;
  while (length > 0 && d[length - 1] === 0) length--;
  return length;
}

function join(s: Int32Array, a: number, d: Float64Array): void {
  s[a] = d[0] | (d[1] << 24);
  s[a + 1] = (d[1] >>> 8) | (d[2] << 16);
  s[a + 2] = (d[2] >>> 16) | (d[3] << 8);
  s[a + 3] = d[4] | (d[5] << 24);
  s[a + 4] = (d[5] >>> 8) | (d[6] << 16);
  s[a + 5] = (d[6] >>> 16) | (d[7] << 8);
  s[a + 6] = d[8] | (d[9] << 24);
  s[a + 7] = (d[9] >>> 8) | (d[10] << 16);
}

/** Product of `left` and `right` into `wide`, up to `columns` digits; the rest of `wide` is zero. */
function product(leftLength: number, rightLength: number, columns: number): void {
  const count = Math.min(leftLength + rightLength, columns);
  let carry = 0;
  for (let k = 0; k < count; k++) {
    let sum = carry;
    const last = k < leftLength ? k : leftLength - 1;
    for (let i = k < rightLength ? 0 : k - rightLength + 1; i <= last; i++) sum += left[i] * right[k - i];
    carry = Math.floor(sum * INVERSE);
    wide[k] = sum - carry * BASE;
  }
  wide.fill(0, count);
}

/** The word at `out` = the word at `a` × the word at `b`, modulo 2^256. */
export function multiply(s: Int32Array, out: number, a: number, b: number): void {
  const leftLength = split(left, s, a);
  const rightLength = split(right, s, b);
  product(leftLength, rightLength, DIGITS);
  join(s, out, wide);
}

/**
 * Knuth, TAOCP volume 2, 4.3.1 algorithm D: divides `wide` (of `m` digits, one more is scratch) by `divisor` (of `n`
 * digits, the highest not zero). Leaves the quotient in `quotient` and the remainder in the low digits of `wide`.
 */
function divide(m: number, n: number): void {
  quotient.fill(0);
  if (n === 1) {
    const d = divisor[0];
    let rest = 0;
    for (let i = m - 1; i >= 0; i--) {
      const current = rest * BASE + wide[i];
      const q = Math.floor(current / d);
      quotient[i] = q;
      rest = current - q * d;
    }
    wide.fill(0, 0, m);
    wide[0] = rest;
    return;
  }
  const shift = 2 ** (Math.clz32(divisor[n - 1]) - 8);
  scale(divisor, n, shift);
  wide[m] = scale(wide, m, shift);
  const top = divisor[n - 1];
  const second = divisor[n - 2];
  for (let j = m - n; j >= 0; j--) {
    const head = wide[j + n] * BASE + wide[j + n - 1];
    let q = Math.floor(head / top);
    let rest = head - q * top;
    while (q >= BASE || q * second > rest * BASE + wide[j + n - 2]) {
      q--;
      rest += top;
      if (rest >= BASE) break;
    }
    let carry = 0;
    for (let i = 0; i < n; i++) {
      const t = wide[i + j] - q * divisor[i] + carry;
      carry = Math.floor(t * INVERSE);
      wide[i + j] = t - carry * BASE;
    }
    const last = wide[j + n] + carry;
    wide[j + n] = last;
    if (last < 0) {
      q--;
      let c = 0;
      for (let i = 0; i < n; i++) {
        const t = wide[i + j] + divisor[i] + c;
        c = t >= BASE ? 1 : 0;
        wide[i + j] = t - c * BASE;
      }
      wide[j + n] = 0;
    }
    quotient[j] = q;
  }
  let carry = 0;
  for (let i = n - 1; i >= 0; i--) {
    const t = carry * BASE + wide[i];
    wide[i] = Math.floor(t / shift);
    carry = t - wide[i] * shift;
  }
}

function scale(d: Float64Array, length: number, factor: number): number {
  let carry = 0;
  for (let i = 0; i < length; i++) {
    const t = d[i] * factor + carry;
    carry = Math.floor(t * INVERSE);
    d[i] = t - carry * BASE;
  }
  return carry;
}

function wideLength(): number {
  let length = 2 * DIGITS;
  while (length > 0 && wide[length - 1] === 0) length--;
  return length;
}

/** Unsigned division: quotient to `q` and remainder to `r` (both may be operands); by zero both are zero. */
function divideWords(s: Int32Array, a: number, b: number, q: number, r: number): void {
  const n = split(divisor, s, b);
  wide.fill(0);
  const m = split(wide, s, a);
  if (n === 0) {
    if (q >= 0) s.fill(0, q, q + 8);
    if (r >= 0) s.fill(0, r, r + 8);
    return;
  }
  if (m < n) quotient.fill(0);
  else divide(m, n);
  if (q >= 0) join(s, q, quotient);
  if (r >= 0) join(s, r, wide);
}

const NONE = -1;

/** DIV: top / next, zero for division by zero. */
export function div(s: Int32Array, sp: number): void {
  divideWords(s, sp - 8, sp - 16, sp - 16, NONE);
}

/** MOD: top mod next, zero for division by zero. */
export function mod(s: Int32Array, sp: number): void {
  divideWords(s, sp - 8, sp - 16, NONE, sp - 16);
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
  divideWords(s, a, b, b, NONE);
  if (negative) negate(s, b);
}

/** SMOD: remainder of `signedDiv`, with the sign of the top. */
export function signedMod(s: Int32Array, sp: number): void {
  const a = sp - 8;
  const b = sp - 16;
  const negative = s[a + 7] < 0;
  if (negative) negate(s, a);
  if (s[b + 7] < 0) negate(s, b);
  divideWords(s, a, b, NONE, b);
  if (negative) negate(s, b);
}

/** ADDMOD: (top + next) mod third, of the full 257-bit sum. */
export function addMod(s: Int32Array, sp: number): void {
  const out = sp - 24;
  const n = split(divisor, s, out);
  if (n === 0) return;
  split(left, s, sp - 8);
  split(right, s, sp - 16);
  let carry = 0;
  for (let i = 0; i < DIGITS; i++) {
    const t = left[i] + right[i] + carry;
    carry = t >= BASE ? 1 : 0;
    wide[i] = t - carry * BASE;
  }
  wide.fill(0, DIGITS);
  const m = wideLength();
  if (m >= n) divide(m, n);
  join(s, out, wide);
}

/** MULMOD: (top × next) mod third, of the full 512-bit product. */
export function mulMod(s: Int32Array, sp: number): void {
  const out = sp - 24;
  const n = split(divisor, s, out);
  if (n === 0) return;
  product(split(left, s, sp - 8), split(right, s, sp - 16), 2 * DIGITS);
  const m = wideLength();
  if (m >= n) divide(m, n);
  join(s, out, wide);
}

const power = new Int32Array(24);

/** EXP: top to the power of next, modulo 2^256, by squaring from the highest bit. */
export function exp(s: Int32Array, sp: number): void {
  const b = sp - 16;
  for (let i = 0; i < 8; i++) power[8 + i] = s[sp - 8 + i];
  power.fill(0, 0, 8);
  power[0] = 1;
  let started = false;
  for (let limb = 7; limb >= 0; limb--) {
    const bits = s[b + limb];
    if (!started && bits === 0) continue;
    for (let i = started ? 31 : 31 - Math.clz32(bits); i >= 0; i--) {
      if (started) multiply(power, 0, 0, 0);
      started = true;
      if (((bits >>> i) & 1) === 1) multiply(power, 0, 0, 8);
    }
  }
  for (let i = 0; i < 8; i++) s[b + i] = power[i];
}
