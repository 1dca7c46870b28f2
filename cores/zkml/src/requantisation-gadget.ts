import type { IntegerLayer } from "./integer-layer.js";
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
import type { LayerRange } from "./range-analysis.js";
import { invertScalar } from "./scalar-field.js";

/**
 * Bits that one output's scaled accumulator needs. With v = accumulator · multiplier + 2^(shift−1), the range
 * analysis gives −2^magnitude ≤ v < 2^magnitude, at most 2^47: sums of these bits never wrap around the field.
 */
export interface RequantisationBits {
  /** v + 2^magnitude is written in `magnitude + 1` bits; the top one says v ≥ 0. */
  readonly magnitude: number;
  /** Bits below `shift` are the remainder. */
  readonly shift: number;
  /** Bits `shift` to `shift + kept − 1` are the activation unless it saturates. At most 8. */
  readonly kept: number;
  /** Bits above these; any of them set means saturation. */
  readonly excess: number;
}

export function requantisationBits(layer: IntegerLayer, range: LayerRange, row: number): RequantisationBits {
  const half = 2 ** (layer.shift - 1);
  const low = (range.accumulatorMin[row] as number) * layer.multiplier + half;
  const high = (range.accumulatorMax[row] as number) * layer.multiplier + half;
  let magnitude = layer.shift + 1;
  while (low < -(2 ** magnitude) || high >= 2 ** magnitude) magnitude++;
  const above = magnitude - layer.shift;
  return { magnitude, shift: layer.shift, kept: Math.min(8, above), excess: Math.max(0, above - 8) };
}

/**
 * ReLU, rounding and saturation of one output by bit decomposition. Every signal is fixed by the accumulator:
 * - bits: booleans that sum to v + 2^magnitude, a sum that has exactly one such decomposition;
 * - saturated (when two or more excess bits exist): with e their number set, `e · inverse = saturated`,
 *   `e · (1 − saturated) = 0` and `inverse · (1 − saturated) = 0` leave (1, 1/e) for e ≠ 0 and (0, 0) for e = 0;
 * - clipped = saturated · (255 − kept); activation = sign · (kept + clipped).
 * The activation therefore lies in [0, 255].
 */
export function requantisationGadget(
  builder: R1csBuilder,
  name: string,
  accumulator: LinearCombination,
  layer: IntegerLayer,
  size: RequantisationBits,
): LinearCombination {
  const bits = Array.from({ length: size.magnitude + 1 }, (_, index) => {
    const bit = builder.signal(`${name}.bit[${index}]`);
    builder.constrainBoolean(`${name}.bit[${index}] is boolean`, signalTerm(bit));
    return signalTerm(bit);
  });
  const weighted = (from: number, count: number): LinearCombination =>
    combine(bits.slice(from, from + count).map((bit, index) => [bit, 1n << BigInt(index)] as const));

  const offset = constantTerm((1n << BigInt(layer.shift - 1)) + (1n << BigInt(size.magnitude)));
  const scaled = combine([
    [accumulator, BigInt(layer.multiplier)],
    [offset, 1n],
  ]);
  builder.constrainEqual(`${name}.bits sum to the scaled accumulator`, scaled, weighted(0, bits.length));

  const kept = weighted(size.shift, size.kept);
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
    `${name}.activation is ReLU`,
    bits[size.magnitude] as LinearCombination,
    magnitude,
    activation,
  );
  return activation;
}

/** The gadget's signals, in the order it declares them; the last one is the activation. */
export function requantisationWitness(
  accumulator: number,
  layer: IntegerLayer,
  size: RequantisationBits,
): bigint[] {
  let rest = accumulator * layer.multiplier + 2 ** (layer.shift - 1) + 2 ** size.magnitude;
  const bits: number[] = [];
  for (let index = 0; index <= size.magnitude; index++) {
    bits.push(rest % 2);
    rest = Math.floor(rest / 2);
  }
  const signals = bits.map(BigInt);
  let magnitude = 0;
  for (let index = 0; index < size.kept; index++)
    magnitude += (bits[size.shift + index] as number) * 2 ** index;
  if (size.excess > 0) {
    const set = bits.slice(size.shift + size.kept, size.magnitude).reduce((sum, bit) => sum + bit, 0);
    if (size.excess > 1) signals.push(invertScalar(BigInt(set)), set > 0 ? 1n : 0n);
    const clipped = set > 0 ? 255 - magnitude : 0;
    signals.push(BigInt(clipped));
    magnitude += clipped;
  }
  signals.push(BigInt((bits[size.magnitude] as number) * magnitude));
  return signals;
}
