import type { R1cs, R1csMatrix } from "@aios/core-zkml/r1cs";

/** Log2 of the rows up to which provers offer UltraHonk unless their operator sets otherwise. */
export const DEFAULT_MAX_LOG_ROWS = 17;
/** Rows beyond the gates that the count leaves out: public inputs, zeros, masking. */
export const SPARE_ROWS = 64;
/** Gates that every circuit has. */
const FIXED_GATES = 20;
/** Wires of a gate; a longer sum runs on to the next gate over one of them. */
const WIRES = 4;

/** log2 of the rows that hold so many gates. */
export function logRowsFor(gates: number): number {
  return Math.ceil(Math.log2(gates + SPARE_ROWS));
}

/**
 * The gates that barretenberg 5.0.0 makes of a system by way of `acirCircuit`, without writing the circuit: one an
 * expression, and one for each three witnesses beyond its first four. Cost: linear in the number of terms (a LeNet-5 of
 * 209 K constraints: about a second).
 */
export function gateCount(r1cs: R1cs): number {
  let gates = FIXED_GATES;
  for (let row = 0; row < r1cs.constraints; row++) {
    const [a, b, c] = [signalsOf(r1cs.a, row), signalsOf(r1cs.b, row), signalsOf(r1cs.c, row)];
    if (a.length === 0 || b.length === 0) {
      gates += gatesOf(new Set([...a, ...b, ...c]).size);
      continue;
    }
    const sums = [a, b].filter((factor) => factor.length > 1);
    for (const sum of sums) gates += gatesOf(sum.length + 1);
    const named = [a, b].filter((factor) => factor.length === 1).flat();
    gates += gatesOf(new Set([...named, ...c]).size + sums.length);
  }
  return gates;
}

function gatesOf(witnesses: number): number {
  return Math.max(1, Math.ceil((witnesses - 1) / (WIRES - 1)));
}

/** Columns of a row but for the constant's. */
function signalsOf(matrix: R1csMatrix, row: number): readonly number[] {
  const start = row === 0 ? 0 : (matrix.rowEnds[row - 1] as number);
  return [...matrix.columns.subarray(start, matrix.rowEnds[row])].filter((column) => column !== 0);
}
