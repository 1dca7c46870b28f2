import type { R1cs, Witness } from "@aios/core-zkml/r1cs";
import { combine, constantTerm, plus, R1csBuilder, signalTerm } from "@aios/core-zkml/r1cs-builder";
import { SCALAR_FIELD_ORDER } from "@aios/core-zkml/scalar-field";

const TERMS = 14;
const weight = (index: number): bigint => (index % 3 === 0 ? -1n : 1n) * BigInt(index + 1);

/**
 * Thirty constraints with what real circuits have: booleans, a signal in many rows, negative and large
 * coefficients. Says: the public sum is Σ weight · bit · (x + index), and the public square is x².
 */
export function smallCircuit(): R1cs {
  const builder = new R1csBuilder();
  const [sum, square] = [builder.publicInput("sum"), builder.publicInput("square")];
  const x = builder.signal("x");
  builder.constrain("square", signalTerm(x), signalTerm(x), signalTerm(square));
  const products = Array.from({ length: TERMS }, (_, index) => {
    const [bit, product] = [builder.signal(`bit[${index}]`), builder.signal(`product[${index}]`)];
    builder.constrainBoolean(`bit[${index}] is boolean`, signalTerm(bit));
    const shifted = plus(signalTerm(x), constantTerm(BigInt(index)));
    builder.constrain(`product[${index}]`, shifted, signalTerm(bit), signalTerm(product));
    return [signalTerm(product), weight(index)] as const;
  });
  builder.constrainEqual("sum", combine(products), signalTerm(sum));
  return builder.build();
}

export function smallWitness(x: bigint, bits: bigint): Witness {
  const values: bigint[] = [];
  let sum = 0n;
  for (let index = 0; index < TERMS; index++) {
    const bit = (bits >> BigInt(index)) & 1n;
    const product = bit * (x + BigInt(index));
    sum += weight(index) * product;
    values.push(bit, product);
  }
  const reduced = (value: bigint): bigint =>
    ((value % SCALAR_FIELD_ORDER) + SCALAR_FIELD_ORDER) % SCALAR_FIELD_ORDER;
  return [1n, sum, x * x, x, ...values].map(reduced);
}
