import type { Witness } from "@aios/core-zkml/r1cs";
import { SCALAR_FIELD_ORDER, scalarToBytes } from "@aios/core-zkml/scalar-field";

/** Witness in snarkjs' `.wtns` format. */
export function witnessFile(witness: Witness): Uint8Array {
  const out = Buffer.alloc(12 + 12 + 40 + 12 + witness.length * 32);
  let at = out.write("wtns", 0);
  for (const word of [2, 2, 1, 40, 0, 32]) at = out.writeUInt32LE(word, at);
  at += Buffer.from(scalarToBytes(SCALAR_FIELD_ORDER).reverse()).copy(out, at);
  for (const word of [witness.length, 2, witness.length * 32, 0]) at = out.writeUInt32LE(word, at);
  for (const value of witness) at += Buffer.from(scalarToBytes(value).reverse()).copy(out, at);
  return out;
}
