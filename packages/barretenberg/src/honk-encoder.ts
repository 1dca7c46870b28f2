import { promisify } from "node:util";
import { gzip as gzipCallback } from "node:zlib";
import { acirCircuit, acirWitness, type DerivedSums } from "@aios/core-ultra-honk/acir-circuit";
import { encodeAcirProgram, encodeAcirWitness } from "@aios/core-ultra-honk/acir-codec";
import { assertSatisfied, type R1cs, type Witness } from "@aios/core-zkml/r1cs";

const gzip = promisify(gzipCallback);
/** Speed counts: what is packed is read once by the program beside us. */
const COMPRESSION = { level: 1 };

/** A circuit as the native prover reads it. */
export interface EncodedCircuit {
  /** ACIR, gzipped. */
  readonly file: Uint8Array;
  readonly acirBytes: number;
  /** What the witness needs beyond the constraint system's own signals. */
  readonly derived: DerivedSums;
}

/** A circuit and a witness of it, for `HonkEncoder.witness`. */
export interface WitnessToEncode {
  readonly r1cs: R1cs;
  readonly derived: DerivedSums;
  readonly witness: Witness;
}

/** Writes circuits and witnesses for the native prover: seconds of one processor for a circuit of a million gates. */
export interface HonkEncoder {
  circuit(r1cs: R1cs, signal?: AbortSignal): Promise<EncodedCircuit>;
  /** Checked first, since the prover would make a proof of anything. Throws `unsatisfied-witness`, `malformed-witness`. */
  witness(wanted: WitnessToEncode, signal?: AbortSignal): Promise<Uint8Array>;
}

/** In the thread that asks. */
export const encoderHere: HonkEncoder = {
  async circuit(r1cs) {
    const circuit = acirCircuit(r1cs);
    const acir = encodeAcirProgram(circuit);
    return { file: await gzip(acir, COMPRESSION), acirBytes: acir.length, derived: circuit.derived };
  },
  async witness(wanted) {
    assertSatisfied(wanted.r1cs, wanted.witness);
    return acirWitnessFile(wanted);
  },
};

/** A witness that was checked. Secret. */
export function acirWitnessFile({ r1cs, derived, witness }: WitnessToEncode): Uint8Array {
  return encodeAcirWitness(acirWitness(r1cs, derived, witness));
}
