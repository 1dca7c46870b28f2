import { magnitudeOf, signedBits, signedBitsGadget } from "./decomposition-gadget.js";
import { type LinearCombination, minus, type R1csBuilder, signalTerm } from "./r1cs-builder.js";
import { toScalar } from "./scalar-field.js";

/** Bits of a difference of two values of one interval. */
export function differenceMagnitude(low: number, high: number): number {
  return magnitudeOf(low - high, high - low);
}

/** Constraints of a maximum over `count` values of one interval. */
export function maximumConstraints(count: number, magnitude: number): number {
  return (count - 1) * (magnitude + 3);
}

/**
 * Largest of the values, one comparison after the other: the top bit of value − best says whether the value is at
 * least as large, and best' − best = that bit · (value − best). Everything is fixed by the values.
 */
export function maximumGadget(
  builder: R1csBuilder,
  name: string,
  values: readonly LinearCombination[],
  magnitude: number,
): LinearCombination {
  let best = values[0] as LinearCombination;
  for (const [index, value] of values.slice(1).entries()) {
    const label = `${name}.compared[${index}]`;
    const difference = minus(value, best);
    const bits = signedBitsGadget(builder, label, difference, magnitude);
    const larger = signalTerm(builder.signal(`${label}.larger`));
    builder.constrain(
      `${label}.larger`,
      bits[magnitude] as LinearCombination,
      difference,
      minus(larger, best),
    );
    best = larger;
  }
  return best;
}

/** The gadget's signals; the last one is the maximum. */
export function maximumWitness(values: readonly number[], magnitude: number): bigint[] {
  const signals: bigint[] = [];
  let best = values[0] as number;
  for (const value of values.slice(1)) {
    for (const bit of signedBits(value - best, magnitude)) signals.push(BigInt(bit));
    best = Math.max(best, value);
    signals.push(toScalar(BigInt(best)));
  }
  return signals;
}
