import { byteBitsGadget, upperBits } from "./decomposition-gadget.js";
import {
  combine,
  type LinearCombination,
  minus,
  ONE,
  plus,
  type R1csBuilder,
  signalTerm,
} from "./r1cs-builder.js";
import { toScalar } from "./scalar-field.js";

/** 8 for the byte, 11 products a nibble, 15 to join the nibbles. */
export const TABLE_CONSTRAINTS = 45;

/**
 * The table as a multilinear polynomial of the index's bits: coefficient `mask` belongs to the product of the bits in
 * `mask` (Möbius transform over subsets).
 */
function coefficients(table: Int16Array): Int32Array {
  const out = Int32Array.from(table);
  for (let bit = 1; bit < out.length; bit <<= 1)
    for (let mask = 0; mask < out.length; mask++)
      if (mask & bit) out[mask] = (out[mask] as number) - (out[mask ^ bit] as number);
  return out;
}

/** Products of all subsets of four bits, the empty one first; single bits cost nothing, the other 11 one signal each. */
function products(
  builder: R1csBuilder,
  name: string,
  bits: readonly LinearCombination[],
): LinearCombination[] {
  const out: LinearCombination[] = [ONE];
  for (let mask = 1; mask < 16; mask++) {
    const top = 31 - Math.clz32(mask);
    const rest = mask ^ (1 << top);
    if (rest === 0) {
      out.push(bits[top] as LinearCombination);
      continue;
    }
    const product = signalTerm(builder.signal(`${name}.product[${mask}]`));
    builder.constrain(
      `${name}.product[${mask}]`,
      bits[top] as LinearCombination,
      out[rest] as LinearCombination,
      product,
    );
    out.push(product);
  }
  return out;
}

/**
 * table[index] for an index in [0, 255], which the gadget enforces. Bits, their products per nibble and the fifteen
 * joint terms are functions of the index; the result is the last joint term's signal plus the others.
 */
export function tableGadget(
  builder: R1csBuilder,
  name: string,
  index: LinearCombination,
  table: Int16Array,
): LinearCombination {
  const weights = coefficients(table);
  const bits = byteBitsGadget(builder, name, index);
  const low = products(builder, `${name}.low`, bits.slice(0, 4));
  const high = products(builder, `${name}.high`, bits.slice(4));
  const over = (upper: number): LinearCombination =>
    combine(low.map((product, lower) => [product, BigInt(weights[(upper << 4) | lower] as number)] as const));
  let sum = over(0);
  for (let upper = 1; upper < 16; upper++) {
    const factor = high[upper] as LinearCombination;
    const isLast = upper === 15;
    const signal = signalTerm(builder.signal(isLast ? `${name}.result` : `${name}.joint[${upper}]`));
    builder.constrain(
      isLast ? `${name}.result` : `${name}.joint[${upper}]`,
      factor,
      over(upper),
      isLast ? minus(signal, sum) : signal,
    );
    sum = isLast ? signal : plus(sum, signal);
  }
  return sum;
}

/** The gadget's signals; the last one is the result. */
export function tableWitness(index: number, table: Int16Array): bigint[] {
  const weights = coefficients(table);
  const signals = upperBits(index);
  const has = (nibble: number, mask: number): number => ((nibble & mask) === mask ? 1 : 0);
  const [low, high] = [index & 15, index >> 4];
  for (const nibble of [low, high])
    for (let mask = 1; mask < 16; mask++)
      if ((mask & (mask - 1)) !== 0) signals.push(BigInt(has(nibble, mask)));
  for (let upper = 1; upper < 15; upper++) {
    let joint = 0;
    for (let lower = 0; lower < 16; lower++)
      joint += (weights[(upper << 4) | lower] as number) * has(low, lower);
    signals.push(toScalar(BigInt(joint * has(high, upper))));
  }
  signals.push(toScalar(BigInt(table[index] as number)));
  return signals;
}
