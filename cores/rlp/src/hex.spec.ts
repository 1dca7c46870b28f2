import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bigintToBytes, bytesToBigint, fromHex, toHex, word } from "./hex.js";

/** Every width up to a word and beyond, with the values at the borders of 64-bit limbs. */
const integers = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }),
  fc.bigInt({ min: 0n, max: 2n ** 300n }),
  fc.nat(300).chain((bits) => fc.constantFrom(2n ** BigInt(bits), 2n ** BigInt(bits) - 1n)),
);

describe("integers as bytes", () => {
  it("are those of their hexadecimal form, without leading zeros", () => {
    fc.assert(
      fc.property(integers, (value) => {
        const bytes = bigintToBytes(value);
        const hex = value === 0n ? "" : value.toString(16);
        expect(toHex(bytes)).toBe(`0x${hex.length % 2 === 0 ? hex : `0${hex}`}`);
        expect(bytesToBigint(bytes)).toBe(value);
      }),
      { numRuns: 2_000 },
    );
  });

  it("are read with leading zeros too, of any length", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70 }), (bytes) => {
        expect(bytesToBigint(bytes)).toBe(bytes.length === 0 ? 0n : BigInt(toHex(bytes)));
      }),
      { numRuns: 2_000 },
    );
  });

  it("fill a word from the right", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }), (value) => {
        expect(toHex(word(value))).toBe(`0x${value.toString(16).padStart(64, "0")}`);
        expect(fromHex(toHex(word(value)))).toEqual(word(value));
      }),
    );
  });
});
