import type { R1cs, R1csMatrix, Witness } from "@aios/core-zkml/r1cs";
import { sha256 } from "@noble/hashes/sha2.js";

const SCALAR_BYTES = 32;

/** Little-endian into 32 bytes at `at`, which are zero before. */
function writeScalar(out: Uint8Array, at: number, value: bigint): void {
  if (value < 256n) {
    out[at] = Number(value);
    return;
  }
  const view = new DataView(out.buffer, at, SCALAR_BYTES);
  let rest = value;
  for (let limb = 0; limb < 4; limb++) {
    view.setBigUint64(limb * 8, rest, true);
    rest >>= 64n;
  }
}

/** Scalars in [0, order) as the prover reads them: 32 bytes each, little-endian. */
export function encodeScalars(values: Witness): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(values.length * SCALAR_BYTES);
  for (const [index, value] of values.entries()) writeScalar(out, index * SCALAR_BYTES, value);
  return out;
}

/** A constraint system as the prover reads it; the layout is described at `Circuit::parse` in the crate. */
export function encodeCircuit(r1cs: R1cs): Uint8Array<ArrayBuffer> {
  const matrices = [r1cs.a, r1cs.b, r1cs.c];
  const matrixWords = (matrix: R1csMatrix): number => matrix.rowEnds.length + 2 * matrix.columns.length;
  const words = 4 + matrices.reduce((sum, matrix) => sum + matrixWords(matrix), 0);
  const out = new Uint8Array(words * 4 + r1cs.coefficients.length * SCALAR_BYTES);
  const view = new DataView(out.buffer);
  let at = 0;
  const writeWords = (values: Iterable<number>): void => {
    for (const value of values) {
      view.setUint32(at, value, true);
      at += 4;
    }
  };
  writeWords([r1cs.variables, r1cs.publicInputs, r1cs.constraints, r1cs.coefficients.length]);
  for (const coefficient of r1cs.coefficients) {
    writeScalar(out, at, coefficient);
    at += SCALAR_BYTES;
  }
  for (const matrix of matrices) {
    writeWords(matrix.rowEnds);
    writeWords(matrix.columns);
    writeWords(matrix.coefficientIds);
  }
  return out;
}

/** SHA-256 of the encoded circuit: ties a proving key to the constraints it was made for. */
export function circuitDigest(encoded: Uint8Array): Uint8Array {
  return sha256(encoded);
}
