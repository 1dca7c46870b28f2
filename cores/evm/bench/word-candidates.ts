/** Other ways to multiply and divide words of eight 32-bit limbs, kept to be measured beside the one that is used. */
import { setBigint, toBigint } from "../src/word.js";

/** Product modulo 2^256 in digits of `bits`, which are taken out and put back bit by bit group. */
function digitProduct(bits: number): (s: Int32Array, out: number, a: number, b: number) => void {
  const count = Math.ceil(256 / bits);
  const base = 2 ** bits;
  const left = new Float64Array(count);
  const right = new Float64Array(count);
  const result = new Float64Array(count + 1);
  const split = (digits: Float64Array, s: Int32Array, at: number): void => {
    for (let i = 0; i < count; i++) {
      const from = i * bits;
      const limb = from >> 5;
      const shift = from & 31;
      let value = s[at + limb] >>> shift;
      if (shift + bits > 32 && limb < 7) value |= s[at + limb + 1] << (32 - shift);
      digits[i] = value & (base - 1);
    }
  };
  const join = (s: Int32Array, at: number): void => {
    s.fill(0, at, at + 8);
    for (let i = 0; i < count; i++) {
      const from = i * bits;
      const limb = from >> 5;
      const shift = from & 31;
      s[at + limb] |= result[i] << shift;
      if (shift + bits > 32 && limb < 7) s[at + limb + 1] |= result[i] >>> (32 - shift);
    }
  };
  return (s, out, a, b) => {
    split(left, s, a);
    split(right, s, b);
    let carry = 0;
    for (let k = 0; k < count; k++) {
      let sum = carry;
      for (let i = 0; i <= k; i++) sum += left[i] * right[k - i];
      carry = Math.floor(sum / base);
      result[k] = sum - carry * base;
    }
    join(s, out);
  };
}

/** Columns of products below 2^53: at most 24 bits. */
export const multiplyIn16Bits = digitProduct(16);
export const multiplyIn24Bits = digitProduct(24);

/** One BigInt per operand, one for the result. */
export function withBigint(
  operation: (top: bigint, next: bigint, third: bigint) => bigint,
  operands: 2 | 3,
): (s: Int32Array, sp: number) => void {
  return (s, sp) => {
    const third = operands === 3 ? toBigint(s, sp - 24) : 0n;
    setBigint(s, sp - 8 * operands, operation(toBigint(s, sp - 8), toBigint(s, sp - 16), third));
  };
}
