import { type R1cs, type R1csMatrix, rowValue, type Witness } from "@aios/core-zkml/r1cs";
import { SCALAR_FIELD_ORDER, toScalar } from "@aios/core-zkml/scalar-field";

/** coefficient · witness · witness. */
export type AcirProduct = readonly [coefficient: bigint, left: number, right: number];
/** coefficient · witness. */
export type AcirTerm = readonly [coefficient: bigint, witness: number];

/** Σ products + Σ terms + constant, which must be zero (`AssertZero`). Coefficients are in [0, order). */
export interface AcirExpression {
  readonly products: readonly AcirProduct[];
  readonly terms: readonly AcirTerm[];
  readonly constant: bigint;
}

/**
 * A circuit in Noir's abstract intermediate representation, arithmetic only. Witness `i` is z[i + 1] of the constraint
 * system for its own signals; those after them are sums that the products need (`derived`).
 */
export interface AcirCircuit {
  readonly witnesses: number;
  /** The first ones. */
  readonly publicWitnesses: number;
  readonly expressions: readonly AcirExpression[];
  /** For each derived witness, in order, which of the system's sums it is the value of. */
  readonly derived: DerivedSums;
}

/** A's sum in row `r` is 2 · r, B's is 2 · r + 1: the system has the terms already. */
export type DerivedSums = Uint32Array;

interface Sum {
  readonly terms: AcirTerm[];
  constant: bigint;
}

function rowOf(r1cs: R1cs, matrix: R1csMatrix, row: number): Sum {
  const sum: Sum = { terms: [], constant: 0n };
  const start = row === 0 ? 0 : (matrix.rowEnds[row - 1] as number);
  for (let at = start; at < (matrix.rowEnds[row] as number); at++) {
    const coefficient = r1cs.coefficients[matrix.coefficientIds[at] as number] as bigint;
    const column = matrix.columns[at] as number;
    if (column === 0) sum.constant = toScalar(sum.constant + coefficient);
    else sum.terms.push([coefficient, column - 1]);
  }
  return sum;
}

function scaled({ terms, constant }: Sum, factor: bigint): Sum {
  return {
    terms: terms.map(([coefficient, witness]) => [toScalar(coefficient * factor), witness] as const),
    constant: toScalar(constant * factor),
  };
}

function added(left: Sum, right: Sum): Sum {
  const byWitness = new Map<number, bigint>();
  for (const [coefficient, witness] of [...left.terms, ...right.terms])
    byWitness.set(witness, toScalar((byWitness.get(witness) ?? 0n) + coefficient));
  return {
    terms: [...byWitness].flatMap(([witness, value]) => (value === 0n ? [] : [[value, witness] as const])),
    constant: toScalar(left.constant + right.constant),
  };
}

class AcirWriter {
  readonly expressions: AcirExpression[] = [];
  readonly derived: number[] = [];

  constructor(private readonly signals: number) {}

  /** (A·z)(B·z) = C·z. Sums of several signals get a witness of their own before they are multiplied. */
  constrain(row: number, a: Sum, b: Sum, c: Sum): void {
    const minusC = scaled(c, -1n);
    if (a.terms.length === 0) this.#assertZero([], added(scaled(b, a.constant), minusC));
    else if (b.terms.length === 0) this.#assertZero([], added(scaled(a, b.constant), minusC));
    else {
      const [left, right] = [this.#single(a, 2 * row), this.#single(b, 2 * row + 1)];
      const product: AcirProduct[] = left.terms.flatMap(([x, i]) =>
        right.terms.map(([y, j]) => [toScalar(x * y), i, j] as const),
      );
      const linear = added(scaled({ ...left, constant: 0n }, right.constant), scaled(right, left.constant));
      this.#assertZero(product, added(linear, minusC));
    }
  }

  #assertZero(products: readonly AcirProduct[], { terms, constant }: Sum): void {
    this.expressions.push({ products, terms, constant });
  }

  #single(sum: Sum, name: number): Sum {
    if (sum.terms.length === 1) return sum;
    const witness = this.signals + this.derived.length;
    this.derived.push(name);
    this.#assertZero([], added(sum, { terms: [[SCALAR_FIELD_ORDER - 1n, witness]], constant: 0n }));
    return { terms: [[1n, witness]], constant: 0n };
  }
}

/**
 * The same statement as the constraint system's: a witness satisfies all expressions exactly when its part up to the
 * system's signals satisfies the system. Cost: linear in the number of terms.
 */
export function acirCircuit(r1cs: R1cs): AcirCircuit {
  const writer = new AcirWriter(r1cs.variables - 1);
  for (let row = 0; row < r1cs.constraints; row++) {
    writer.constrain(row, rowOf(r1cs, r1cs.a, row), rowOf(r1cs, r1cs.b, row), rowOf(r1cs, r1cs.c, row));
  }
  return {
    witnesses: r1cs.variables - 1 + writer.derived.length,
    publicWitnesses: r1cs.publicInputs,
    expressions: writer.expressions,
    derived: Uint32Array.from(writer.derived),
  };
}

/** Values of all witnesses from z of the constraint system. Secret beyond the public ones. */
export function acirWitness(
  r1cs: Pick<R1cs, "a" | "b" | "coefficients">,
  derived: DerivedSums,
  z: Witness,
): bigint[] {
  const values = z.slice(1);
  for (const sum of derived) values.push(rowValue(r1cs, sum % 2 === 0 ? r1cs.a : r1cs.b, sum >>> 1, z));
  return values;
}

/** Index of the first expression that is not zero, or `undefined`. */
export function firstNonZero(circuit: AcirCircuit, values: readonly bigint[]): number | undefined {
  const at = circuit.expressions.findIndex(({ products, terms, constant }) => {
    let sum = constant;
    for (const [coefficient, i, j] of products)
      sum += coefficient * (values[i] as bigint) * (values[j] as bigint);
    for (const [coefficient, i] of terms) sum += coefficient * (values[i] as bigint);
    return sum % SCALAR_FIELD_ORDER !== 0n;
  });
  return at < 0 ? undefined : at;
}
