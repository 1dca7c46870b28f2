import { CodedError } from "@aios/kernel/coded-error";
import { SCALAR_FIELD_ORDER } from "./scalar-field.js";

/** One of a system's three matrices by rows. Term `t` of the whole list is `coefficients[coefficient[t]] · z[column[t]]`. */
export interface R1csMatrix {
  /** Where each row ends in the term lists; it starts where the row before ends. */
  readonly rowEnds: Uint32Array;
  readonly columns: Uint32Array;
  /** Index into the system's table of coefficients. */
  readonly coefficientIds: Uint32Array;
}

/**
 * Rank-1 constraint system over BN254's scalar field: (A·z)(B·z) = C·z row by row. z[0] is 1, then come the public
 * inputs, then the private signals.
 */
export interface R1cs {
  /** Length of z. */
  readonly variables: number;
  readonly publicInputs: number;
  readonly constraints: number;
  /** Distinct coefficients, each in [0, order). */
  readonly coefficients: readonly bigint[];
  readonly a: R1csMatrix;
  readonly b: R1csMatrix;
  readonly c: R1csMatrix;
  /** What each row says, for people. */
  readonly constraintNames: readonly string[];
  /** What each entry of z is. */
  readonly signalNames: readonly string[];
}

/** z: values in [0, order), starting with 1 and the public inputs. Secret beyond these. */
export type Witness = readonly bigint[];

/** The sum that a matrix has in a row, in [0, order). */
export function rowValue(
  r1cs: Pick<R1cs, "coefficients">,
  matrix: R1csMatrix,
  row: number,
  witness: Witness,
): bigint {
  let sum = 0n;
  for (
    let term = row === 0 ? 0 : (matrix.rowEnds[row - 1] as number);
    term < (matrix.rowEnds[row] as number);
    term++
  ) {
    const coefficient = r1cs.coefficients[matrix.coefficientIds[term] as number] as bigint;
    sum += coefficient * (witness[matrix.columns[term] as number] as bigint);
  }
  return sum % SCALAR_FIELD_ORDER;
}

/** Index of the first constraint that the witness breaks, or `undefined`. Throws `malformed-witness`. */
export function firstUnsatisfied(r1cs: R1cs, witness: Witness): number | undefined {
  const canonical = witness.length === r1cs.variables && witness[0] === 1n;
  if (!canonical || !witness.every((value) => value >= 0n && value < SCALAR_FIELD_ORDER)) {
    throw new CodedError({
      code: "malformed-witness",
      kind: "invalid",
      message: "The witness does not belong to this circuit.",
    });
  }
  for (let row = 0; row < r1cs.constraints; row++) {
    const product = rowValue(r1cs, r1cs.a, row, witness) * rowValue(r1cs, r1cs.b, row, witness);
    if ((product - rowValue(r1cs, r1cs.c, row, witness)) % SCALAR_FIELD_ORDER !== 0n) return row;
  }
  return undefined;
}

/** The error for a broken constraint: code `unsatisfied-witness`, naming it. */
export function unsatisfiedError(r1cs: R1cs, row: number): CodedError {
  const constraint = r1cs.constraintNames[row] ?? `#${row}`;
  return new CodedError({
    code: "unsatisfied-witness",
    kind: "unprocessable",
    message: `Nothing was proven: the claimed values break the constraint "${constraint}".`,
    details: { constraint, row },
  });
}

/** Throws `unsatisfied-witness` with the name of the first broken constraint. Cost: one pass over the terms. */
export function assertSatisfied(r1cs: R1cs, witness: Witness): void {
  const row = firstUnsatisfied(r1cs, witness);
  if (row !== undefined) throw unsatisfiedError(r1cs, row);
}
