import type { R1cs, R1csMatrix, Witness } from "../src/r1cs.js";
import { invertScalar, SCALAR_FIELD_ORDER, toScalar } from "../src/scalar-field.js";

type Row = Map<number, bigint>;

function termsOf(r1cs: R1cs, matrix: R1csMatrix, row: number): [number, bigint][] {
  const terms: [number, bigint][] = [];
  for (
    let at = row === 0 ? 0 : (matrix.rowEnds[row - 1] as number);
    at < (matrix.rowEnds[row] as number);
    at++
  ) {
    terms.push([
      matrix.columns[at] as number,
      r1cs.coefficients[matrix.coefficientIds[at] as number] as bigint,
    ]);
  }
  return terms;
}

/**
 * Signals that can be moved at this witness, alone or together, to first order while `fixed` signals stay: the
 * columns without a pivot when the Jacobian of the constraints is brought to echelon form. None means that the
 * witness is the only one in its neighbourhood. `skip` leaves one constraint out.
 */
export function movableSignals(
  r1cs: R1cs,
  witness: Witness,
  fixed: ReadonlySet<number>,
  skip?: number,
): number[] {
  const rows: Row[] = [];
  for (let index = 0; index < r1cs.constraints; index++) {
    if (index === skip) continue;
    const [a, b, c] = [r1cs.a, r1cs.b, r1cs.c].map((matrix) => termsOf(r1cs, matrix, index)) as [
      [number, bigint][],
      [number, bigint][],
      [number, bigint][],
    ];
    const value = (terms: [number, bigint][]): bigint =>
      toScalar(terms.reduce((sum, [signal, weight]) => sum + weight * (witness[signal] as bigint), 0n));
    const row: Row = new Map();
    const add = (terms: [number, bigint][], factor: bigint): void => {
      for (const [signal, weight] of terms) {
        if (fixed.has(signal)) continue;
        const sum = toScalar((row.get(signal) ?? 0n) + weight * factor);
        if (sum === 0n) row.delete(signal);
        else row.set(signal, sum);
      }
    };
    const [valueA, valueB] = [value(a), value(b)];
    add(a, valueB);
    add(b, valueA);
    add(c, SCALAR_FIELD_ORDER - 1n);
    if (row.size > 0) rows.push(row);
  }
  const pivots = new Map<number, Row>();
  rows.sort((x, y) => x.size - y.size);
  for (const row of rows) {
    for (;;) {
      const column = [...row.keys()].sort((x, y) => x - y).find((key) => pivots.has(key));
      if (column === undefined) break;
      const factor = SCALAR_FIELD_ORDER - (row.get(column) as bigint);
      for (const [signal, weight] of pivots.get(column) as Row) {
        const sum = toScalar((row.get(signal) ?? 0n) + weight * factor);
        if (sum === 0n) row.delete(signal);
        else row.set(signal, sum);
      }
    }
    const pivot = row.keys().next().value;
    if (pivot === undefined) continue;
    const inverse = invertScalar(row.get(pivot) as bigint);
    pivots.set(pivot, new Map([...row].map(([signal, weight]) => [signal, toScalar(weight * inverse)])));
  }
  const movable: number[] = [];
  for (let signal = 1; signal < r1cs.variables; signal++)
    if (!fixed.has(signal) && !pivots.has(signal)) movable.push(signal);
  return movable;
}
