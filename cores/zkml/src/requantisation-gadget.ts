import { magnitudeOf, signedBits, signedBitsGadget, weightedBits } from "./decomposition-gadget.js";
import type { ChannelScaling } from "./integer-node.js";
import {
  combine,
  constantTerm,
  type LinearCombination,
  minus,
  ONE,
  plus,
  type R1csBuilder,
  signalTerm,
} from "./r1cs-builder.js";
import { invertScalar, toScalar } from "./scalar-field.js";

/**
 * Bits that one value needs. With v = x · multiplier + 2^(shift−1) − low · 2^shift (the slope in place of the
 * multiplier where x < 0), the range analysis gives −2^magnitude ≤ v < 2^magnitude, at most 2^49: sums of these bits
 * never wrap around the field. The result is low + clamp(⌊v / 2^shift⌋, 0, 255).
 */
export interface RequantisationBits {
  /** v + 2^magnitude is written in `magnitude + 1` bits; the top one says v ≥ 0. */
  readonly magnitude: number;
  /** Bits below `shift` are the remainder. */
  readonly shift: number;
  /** Bits `shift` to `shift + kept − 1` are the result unless it saturates. At most 8. */
  readonly kept: number;
  /** Bits above these; any of them set means saturation. */
  readonly excess: number;
  /** As `magnitude`, of x itself where its sign picks between multiplier and slope. */
  readonly sign: number | undefined;
}

const smallInverses = new Map<number, bigint>();

/** 1 / count, 0 for 0; there are fewer than 50 excess bits. */
function inverseOfCount(count: number): bigint {
  const known = smallInverses.get(count);
  if (known !== undefined) return known;
  const made = invertScalar(BigInt(count));
  smallInverses.set(count, made);
  return made;
}

function isLeaky(scaling: ChannelScaling): boolean {
  return scaling.slope !== scaling.multiplier;
}

function scaled(x: number, { multiplier, slope, shift, low }: ChannelScaling): number {
  return x * (x < 0 ? slope : multiplier) + 2 ** (shift - 1) - low * 2 ** shift;
}

/** `min` and `max` bound x over all inputs. */
export function requantisationBits(scaling: ChannelScaling, min: number, max: number): RequantisationBits {
  const { shift } = scaling;
  const magnitude = magnitudeOf(scaled(min, scaling), scaled(max, scaling), shift + 1);
  const above = magnitude - shift;
  const sign = isLeaky(scaling) ? magnitudeOf(min, max) : undefined;
  return { magnitude, shift, kept: Math.min(8, above), excess: Math.max(0, above - 8), sign };
}

/** Constraints of one requantised value. */
export function requantisationConstraints({ magnitude, excess, sign }: RequantisationBits): number {
  return (
    magnitude + 1 + 2 + (excess > 1 ? 3 : 0) + (excess > 0 ? 1 : 0) + (sign === undefined ? 0 : sign + 3)
  );
}

/**
 * Scaling, rounding, ReLU or leaky ReLU and saturation of one value by bit decomposition. Every signal is fixed by x:
 * - of a leaky one: the bits of x, and positive = (x ≥ 0) · x;
 * - bits: booleans that sum to v + 2^magnitude, a sum that has exactly one such decomposition;
 * - saturated (when two or more excess bits exist): with e their number set, `e · inverse = saturated`,
 *   `e · (1 − saturated) = 0` and `inverse · (1 − saturated) = 0` leave (1, 1/e) for e ≠ 0 and (0, 0) for e = 0;
 * - clipped = saturated · (255 − kept); activation = sign · (kept + clipped).
 * The result low + activation therefore lies in [low, low + 255].
 */
export function requantisationGadget(
  builder: R1csBuilder,
  name: string,
  x: LinearCombination,
  scaling: ChannelScaling,
  size: RequantisationBits,
): LinearCombination {
  const offset = 2 ** (scaling.shift - 1) - scaling.low * 2 ** scaling.shift;
  const parts: (readonly [LinearCombination, bigint])[] = [
    [x, BigInt(scaling.slope)],
    [constantTerm(BigInt(offset)), 1n],
  ];
  if (size.sign !== undefined) {
    const signs = signedBitsGadget(builder, `${name}.sign`, x, size.sign);
    const positive = signalTerm(builder.signal(`${name}.positive`));
    builder.constrain(`${name}.positive part`, signs[size.sign] as LinearCombination, x, positive);
    parts.push([positive, BigInt(scaling.multiplier - scaling.slope)]);
  }
  const bits = signedBitsGadget(builder, name, combine(parts), size.magnitude);
  const kept = weightedBits(bits.slice(size.shift, size.shift + size.kept));
  let magnitude = kept;
  if (size.excess > 0) {
    const excessBits = bits.slice(size.shift + size.kept, size.magnitude);
    let saturated = excessBits[0] as LinearCombination;
    if (size.excess > 1) {
      const excess = plus(...excessBits);
      const inverse = signalTerm(builder.signal(`${name}.inverse`));
      saturated = signalTerm(builder.signal(`${name}.saturated`));
      builder.constrain(`${name}.saturated when excess`, excess, inverse, saturated);
      builder.constrain(`${name}.no excess unless saturated`, excess, minus(ONE, saturated), new Map());
      builder.constrain(`${name}.inverse is 0 unless saturated`, inverse, minus(ONE, saturated), new Map());
    }
    const clipped = signalTerm(builder.signal(`${name}.clipped`));
    builder.constrain(`${name}.clipped`, saturated, minus(constantTerm(255n), kept), clipped);
    magnitude = plus(kept, clipped);
  }
  const activation = signalTerm(builder.signal(`${name}.activation`));
  builder.constrain(
    `${name}.activation is clamped below`,
    bits[size.magnitude] as LinearCombination,
    magnitude,
    activation,
  );
  return scaling.low === 0 ? activation : plus(activation, constantTerm(BigInt(scaling.low)));
}

/** The gadget's signals, in the order it declares them; the last one is the result less `low`. */
export function requantisationWitness(
  x: number,
  scaling: ChannelScaling,
  size: RequantisationBits,
): bigint[] {
  const signals: bigint[] = [];
  if (size.sign !== undefined) {
    for (const bit of signedBits(x, size.sign)) signals.push(BigInt(bit));
    signals.push(toScalar(BigInt(Math.max(0, x))));
  }
  const bits = signedBits(scaled(x, scaling), size.magnitude);
  for (const bit of bits) signals.push(BigInt(bit));
  let magnitude = 0;
  for (let index = 0; index < size.kept; index++)
    magnitude += (bits[size.shift + index] as number) * 2 ** index;
  if (size.excess > 0) {
    const set = bits.slice(size.shift + size.kept, size.magnitude).reduce((sum, bit) => sum + bit, 0);
    if (size.excess > 1) signals.push(inverseOfCount(set), set > 0 ? 1n : 0n);
    const clipped = set > 0 ? 255 - magnitude : 0;
    signals.push(BigInt(clipped));
    magnitude += clipped;
  }
  signals.push(BigInt((bits[size.magnitude] as number) * magnitude));
  return signals;
}
