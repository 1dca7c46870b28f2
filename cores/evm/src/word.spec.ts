import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  add,
  isZero,
  lessThan,
  setBigint,
  setBytes,
  signedLessThan,
  sub,
  toBigint,
  toBytes,
  toNumber,
} from "./word.js";
import { addMod, div, exp, mod, mulMod, multiply, signedDiv, signedMod } from "./word-multiply.js";
import { byteAt, leadingZeros, shiftLeft, shiftRight, shiftRightSigned, signExtend } from "./word-shift.js";

const SIZE = 1n << 256n;
const wrap = (value: bigint): bigint => BigInt.asUintN(256, value);
const signed = (value: bigint): bigint => BigInt.asIntN(256, value);

/** Words of every length, with runs of ones and zeros where carries and estimates go wrong. */
const anyWord = fc.oneof(
  fc.bigInt({ min: 0n, max: SIZE - 1n }),
  fc
    .tuple(fc.integer({ min: 0, max: 256 }), fc.bigInt({ min: -3n, max: 3n }))
    .map(([bits, delta]) => wrap((1n << BigInt(bits)) + delta)),
  fc
    .tuple(fc.integer({ min: 0, max: 255 }), fc.bigInt({ min: 0n, max: SIZE - 1n }))
    .map(([bits, value]) => value >> BigInt(bits)),
);

/** Runs an operation on words given from the top of the stack down. */
function run(operation: (stack: Int32Array, sp: number) => void, ...operands: bigint[]): bigint {
  const stack = new Int32Array(operands.length * 8);
  operands.forEach((value, i) => {
    setBigint(stack, stack.length - 8 * (i + 1), value);
  });
  operation(stack, stack.length);
  return toBigint(stack, 0);
}

const binary: readonly [string, (s: Int32Array, sp: number) => void, (a: bigint, b: bigint) => bigint][] = [
  ["ADD", add, (a, b) => wrap(a + b)],
  ["SUB", sub, (a, b) => wrap(a - b)],
  ["MUL", (s, sp) => multiply(s, sp - 16, sp - 8, sp - 16), (a, b) => wrap(a * b)],
  ["DIV", div, (a, b) => (b === 0n ? 0n : a / b)],
  ["MOD", mod, (a, b) => (b === 0n ? 0n : a % b)],
  ["SDIV", signedDiv, (a, b) => (b === 0n ? 0n : wrap(signed(a) / signed(b)))],
  ["SMOD", signedMod, (a, b) => (b === 0n ? 0n : wrap(signed(a) % signed(b)))],
  ["SHL", shiftLeft, (a, b) => (a > 255n ? 0n : wrap(b << a))],
  ["SHR", shiftRight, (a, b) => (a > 255n ? 0n : b >> a)],
  ["SAR", shiftRightSigned, (a, b) => wrap(signed(b) >> (a > 255n ? 255n : a))],
  ["BYTE", byteAt, (a, b) => (a > 31n ? 0n : (b >> (8n * (31n - a))) & 0xffn)],
  ["SIGNEXTEND", signExtend, (a, b) => (a > 30n ? b : wrap(BigInt.asIntN(Number(a + 1n) * 8, b)))],
];

describe("256-bit words", () => {
  const small = fc.oneof(anyWord, fc.bigInt({ min: 0n, max: 300n }));

  it.each(binary)("%s is what the integers say", (_, operation, expected) => {
    fc.assert(
      fc.property(small, anyWord, (a, b) => {
        expect(run(operation, a, b)).toBe(expected(a, b));
      }),
      { numRuns: 2_000 },
    );
  });

  it("ADDMOD and MULMOD do not wrap before the remainder is taken", () => {
    fc.assert(
      fc.property(anyWord, anyWord, anyWord, (a, b, n) => {
        expect(run(addMod, a, b, n)).toBe(n === 0n ? 0n : (a + b) % n);
        expect(run(mulMod, a, b, n)).toBe(n === 0n ? 0n : (a * b) % n);
      }),
      { numRuns: 2_000 },
    );
  });

  it("divides where a quotient's digit is guessed one too large, which random operands meet once in 2^31", () => {
    expect(run(div, 3n << 95n, (1n << 95n) + 0xffffffffn)).toBe(2n);
    const low = fc.integer({ min: 1, max: 0xffffffff }).map(BigInt);
    fc.assert(
      // The guess looks at the two highest digits of the divisor; what is below them makes it too large.
      fc.property(low, low, low, fc.integer({ min: 1, max: 5 }), (high, rest, q, zeros) => {
        const divisor = ((high | 0x80000000n) << BigInt(32 * (zeros + 1))) + rest;
        const dividend = wrap(q * ((high | 0x80000000n) << BigInt(32 * (zeros + 1))));
        expect(run(div, dividend, divisor)).toBe(dividend / divisor);
        expect(run(mod, dividend, divisor)).toBe(dividend % divisor);
        expect(run(mulMod, q, (high | 0x80000000n) << BigInt(32 * (zeros + 1)), divisor)).toBe(
          (q * ((high | 0x80000000n) << BigInt(32 * (zeros + 1)))) % divisor,
        );
      }),
      { numRuns: 1_000 },
    );
  });

  it("EXP wraps", () => {
    const power = (base: bigint, exponent: bigint): bigint => {
      let result = 1n;
      for (const bit of exponent.toString(2)) {
        result = wrap(result * result);
        if (bit === "1") result = wrap(result * base);
      }
      return result;
    };
    fc.assert(
      fc.property(
        fc.oneof(
          anyWord,
          fc.integer({ min: 0, max: 255 }).map((bit) => 1n << BigInt(bit)),
        ),
        small,
        (a, b) => {
          expect(run(exp, a, b)).toBe(power(a, b));
        },
      ),
      { numRuns: 300 },
    );
  });

  it("compares, counts and converts", () => {
    fc.assert(
      fc.property(anyWord, anyWord, (a, b) => {
        const stack = new Int32Array(16);
        setBigint(stack, 0, a);
        setBigint(stack, 8, b);
        expect(lessThan(stack, 0, 8)).toBe(a < b);
        expect(signedLessThan(stack, 0, 8)).toBe(signed(a) < signed(b));
        expect(isZero(stack, 0)).toBe(a === 0n);
        expect(leadingZeros(stack, 0)).toBe(a === 0n ? 256 : 256 - a.toString(2).length);
        expect(toNumber(stack, 0)).toBe(a < 2n ** 53n ? Number(a) : Number.MAX_SAFE_INTEGER);
        setBytes(stack, 8, toBytes(stack, 0), 0, 32);
        expect(toBigint(stack, 8)).toBe(a);
      }),
    );
  });
});
