import {
  combine,
  constantTerm,
  type LinearCombination,
  minus,
  plus,
  type R1csBuilder,
  signalTerm,
} from "./r1cs-builder.js";

/** Smallest m ≥ `atLeast` with −2^m ≤ low and high < 2^m. Values here stay below 2^50: sums of bits never wrap. */
export function magnitudeOf(low: number, high: number, atLeast = 0): number {
  let magnitude = atLeast;
  while (low < -(2 ** magnitude) || high >= 2 ** magnitude) magnitude++;
  return magnitude;
}

/**
 * Bits of value + 2^magnitude, lowest first, for −2^magnitude ≤ value < 2^magnitude; the top one says value ≥ 0. Every
 * bit is fixed by the value: they are booleans whose weighted sum has one such decomposition. Costs magnitude + 2
 * constraints.
 */
export function signedBitsGadget(
  builder: R1csBuilder,
  name: string,
  value: LinearCombination,
  magnitude: number,
): LinearCombination[] {
  const bits = Array.from({ length: magnitude + 1 }, (_, index) => {
    const bit = builder.signal(`${name}.bit[${index}]`);
    builder.constrainBoolean(`${name}.bit[${index}] is boolean`, signalTerm(bit));
    return signalTerm(bit);
  });
  const shifted = plus(value, constantTerm(1n << BigInt(magnitude)));
  builder.constrainEqual(`${name}.bits sum to the value`, shifted, weightedBits(bits));
  return bits;
}

export function weightedBits(bits: readonly LinearCombination[]): LinearCombination {
  return combine(bits.map((bit, index) => [bit, 1n << BigInt(index)] as const));
}

/** The gadget's signals: `value + 2^magnitude` in `magnitude + 1` bits. */
export function signedBits(value: number, magnitude: number): number[] {
  let rest = value + 2 ** magnitude;
  return Array.from({ length: magnitude + 1 }, () => {
    const bit = rest % 2;
    rest = Math.floor(rest / 2);
    return bit;
  });
}

/**
 * Upper seven bits as signals; the lowest bit is what remains, and boolean too, so the value lies in [0, 255] and all
 * bits are fixed by it. Costs 8 constraints and 7 signals. Lowest bit first.
 */
export function byteBitsGadget(
  builder: R1csBuilder,
  name: string,
  byte: LinearCombination,
): LinearCombination[] {
  let lowest = byte;
  const bits: LinearCombination[] = [];
  for (let index = 1; index < 8; index++) {
    const bit = signalTerm(builder.signal(`${name}.bit[${index}]`));
    builder.constrainBoolean(`${name}.bit[${index}] is boolean`, bit);
    lowest = minus(lowest, combine([[bit, 1n << BigInt(index)]]));
    bits.push(bit);
  }
  builder.constrainBoolean(`${name}.bit[0] is boolean`, lowest);
  return [lowest, ...bits];
}

/** The gadget's signals: bits 1 to 7. */
export function upperBits(byte: number): bigint[] {
  return Array.from({ length: 7 }, (_, index) => BigInt((byte >> (index + 1)) & 1));
}
