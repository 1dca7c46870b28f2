import type { R1cs, Witness } from "@aios/core-zkml/r1cs";
import { encodeR1csFile } from "@aios/core-zkml/r1cs-export";
import * as snarkjs from "snarkjs";
import { witnessFile } from "./peer-witness.js";

/** snarkjs with a ceremony of its own for the same circuit and witness: milliseconds of each proof, on all cores. */
export async function peerProofTimes(r1cs: R1cs, witness: Witness, runs: number): Promise<number[]> {
  const curve = await snarkjs.curves.getCurveFromName("bn128");
  try {
    const memory = (): { type: "mem"; data?: Uint8Array } => ({ type: "mem" });
    const [start, powers, key] = [memory(), memory(), memory()];
    const power = Math.ceil(Math.log2(r1cs.constraints + r1cs.publicInputs + 1));
    await snarkjs.powersOfTau.newAccumulator(curve, power, start);
    await snarkjs.powersOfTau.preparePhase2(start, powers);
    await snarkjs.zKey.newZKey(encodeR1csFile(r1cs), powers, key);
    const times: number[] = [];
    for (let run = 0; run < runs; run++) {
      const startedAt = performance.now();
      await snarkjs.groth16.prove(key, witnessFile(witness));
      times.push(performance.now() - startedAt);
    }
    return times;
  } finally {
    await curve.terminate();
  }
}
