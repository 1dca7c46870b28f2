import type { R1cs, R1csMatrix, Witness } from "../src/r1cs.js";
import { invertScalar, SCALAR_FIELD_ORDER, toScalar } from "../src/scalar-field.js";

type Terms = ReadonlyMap<number, bigint>;

/** Σ coefficient · signal = constant, over signals that are not known; −1 stands for a boolean without a signal. */
interface Equation {
  readonly terms: Terms;
  readonly constant: bigint;
}

const UNNAMED_BOOLEAN = -1;

/** What a prover chooses: the statement's context, its input and the salt. */
export function givenValues(r1cs: R1cs, witness: Witness): Map<number, bigint> {
  const chosen = /^(one|context|salt\..*|input\[\d+\])$/;
  return new Map(
    r1cs.signalNames.flatMap((name, signal) =>
      chosen.test(name) ? [[signal, witness[signal] as bigint] as const] : [],
    ),
  );
}

function termsOf(r1cs: R1cs, matrix: R1csMatrix, row: number): Map<number, bigint> {
  const terms = new Map<number, bigint>();
  const start = row === 0 ? 0 : (matrix.rowEnds[row - 1] as number);
  for (let at = start; at < (matrix.rowEnds[row] as number); at++) {
    const signal = matrix.columns[at] as number;
    const coefficient = r1cs.coefficients[matrix.coefficientIds[at] as number] as bigint;
    const sum = toScalar((terms.get(signal) ?? 0n) + coefficient);
    if (sum === 0n) terms.delete(signal);
    else terms.set(signal, sum);
  }
  return terms;
}

/** x where the row says x · (x − 1) = 0. */
function booleanOf(a: Terms, b: Terms, c: Terms): Terms | undefined {
  if (c.size > 0) return undefined;
  const difference = new Map(a);
  for (const [signal, coefficient] of b) {
    const rest = toScalar((difference.get(signal) ?? 0n) - coefficient);
    if (rest === 0n) difference.delete(signal);
    else difference.set(signal, rest);
  }
  return difference.size === 1 && difference.get(0) === 1n ? a : undefined;
}

function exponentOf(power: bigint): number | undefined {
  const exponent = power.toString(2).length - 1;
  return power === 1n << BigInt(exponent) && exponent < 250 ? exponent : undefined;
}

/**
 * Solves a constraint system from the given values alone, by steps that leave no choice:
 * - an equation with one unknown signal gives its value;
 * - an equation whose unknowns are all boolean and weigh different powers of two gives all of them, since a number
 *   below the field's order has one binary form.
 * A signal that ends with a value can have no other one, whatever all the others are. `skip` leaves constraints out.
 * Returns the values by signal (`undefined` where a choice is left) and the first row that nothing satisfies.
 */
export function forcedValues(
  r1cs: R1cs,
  given: ReadonlyMap<number, bigint>,
  skip: ReadonlySet<number> = new Set(),
): { readonly values: readonly (bigint | undefined)[]; readonly contradiction: number | undefined } {
  const values: (bigint | undefined)[] = Array.from({ length: r1cs.variables }, () => undefined);
  values[0] = 1n;
  for (const [signal, value] of given) values[signal] = value;

  const rows = Array.from({ length: r1cs.constraints }, (_, row) => ({
    row,
    a: termsOf(r1cs, r1cs.a, row),
    b: termsOf(r1cs, r1cs.b, row),
    c: termsOf(r1cs, r1cs.c, row),
  })).filter(({ row }) => !skip.has(row));
  const booleans = new Set([UNNAMED_BOOLEAN]);
  for (const { a, b, c } of rows) {
    const [signal, coefficient] = [...(booleanOf(a, b, c) ?? [])][0] ?? [];
    if (a.size === 1 && coefficient === 1n && signal !== undefined) booleans.add(signal);
  }

  const split = (terms: Terms): Equation => {
    const unknown = new Map<number, bigint>();
    let constant = 0n;
    for (const [signal, coefficient] of terms) {
      const value = values[signal];
      if (value === undefined) unknown.set(signal, coefficient);
      else constant += coefficient * value;
    }
    return { terms: unknown, constant: toScalar(constant) };
  };
  const add = (into: Map<number, bigint>, terms: Terms, weight: bigint): void => {
    for (const [signal, coefficient] of terms) {
      const sum = toScalar((into.get(signal) ?? 0n) + coefficient * weight);
      if (sum === 0n) into.delete(signal);
      else into.set(signal, sum);
    }
  };
  /** The row as one linear equation over what is unknown, where it is one. */
  const linear = (given: { a: Terms; b: Terms; c: Terms }): Equation | undefined => {
    const [a, b, c] = [split(given.a), split(given.b), split(given.c)];
    const boolean = booleanOf(given.a, given.b, given.c);
    if (boolean !== undefined && a.terms.size > 0) {
      // One signal alone has two solutions; of a sum, another boolean is what is missing to zero.
      if (boolean.size === 1) return undefined;
      const terms = new Map(a.terms);
      terms.set(UNNAMED_BOOLEAN, SCALAR_FIELD_ORDER - 1n);
      return { terms, constant: toScalar(-a.constant) };
    }
    if (a.terms.size > 0 && b.terms.size > 0) return undefined;
    const [known, open] = a.terms.size === 0 ? [a.constant, b] : [b.constant, a];
    const terms = new Map<number, bigint>();
    add(terms, open.terms, known);
    add(terms, c.terms, SCALAR_FIELD_ORDER - 1n);
    return { terms, constant: toScalar(c.constant - known * open.constant) };
  };

  for (let before = -1, solved = 0; solved !== before; ) {
    before = solved;
    for (const { row, a, b, c } of rows) {
      const equation = linear({ a, b, c });
      if (equation === undefined) continue;
      const found = solutionOf(equation, booleans);
      if (found === "none") return { values, contradiction: row };
      for (const [signal, value] of found) {
        if (signal === UNNAMED_BOOLEAN) continue;
        values[signal] = value;
        solved++;
      }
    }
  }
  return { values, contradiction: undefined };
}

/** The values that an equation leaves no choice about: all of its unknowns or none. */
function solutionOf(
  { terms, constant }: Equation,
  booleans: ReadonlySet<number>,
): Map<number, bigint> | "none" {
  if (terms.size === 0) return constant === 0n ? new Map() : "none";
  const [[signal, coefficient]] = [...terms] as [[number, bigint]];
  if (terms.size === 1 && signal !== UNNAMED_BOOLEAN)
    return new Map([[signal, toScalar(constant * invertScalar(coefficient))]]);
  if (![...terms.keys()].every((unknown) => booleans.has(unknown))) return new Map();
  // Either side of the equation may hold the bits.
  for (const sign of [1n, SCALAR_FIELD_ORDER - 1n]) {
    const bits = new Map<number, number>();
    for (const [unknown, weight] of terms) {
      // A boolean that is missing to zero has the other sign than the bits it belongs to.
      const exponent = exponentOf(toScalar(weight * sign));
      if (exponent !== undefined) bits.set(exponent, unknown);
    }
    if (bits.size !== terms.size) continue;
    const total = toScalar(constant * sign);
    if (total >= 1n << 250n) return "none";
    const found = new Map<number, bigint>();
    let rest = total;
    for (const [exponent, unknown] of bits) {
      const bit = (total >> BigInt(exponent)) & 1n;
      found.set(unknown, bit);
      rest -= bit << BigInt(exponent);
    }
    return rest === 0n ? found : "none";
  }
  return new Map();
}
