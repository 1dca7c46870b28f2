import { compileCircuit, computeWitness } from "@aios/core-zkml/circuit";
import { evaluate } from "@aios/core-zkml/evaluator";
import type { IntegerModel } from "@aios/core-zkml/integer-model";
import { packOutput } from "@aios/core-zkml/output-packing";
import type { Rng } from "@aios/kernel/random";
import { selfVerificationFailed } from "../domain/errors.js";
import type { ProofBackEnd } from "./proof-back-end.js";

const MODEL: IntegerModel = {
  salt: new Uint8Array(32),
  layers: [
    {
      inputs: 2,
      outputs: 2,
      activation: "relu",
      weights: Int8Array.of(90, -70, 40, 60),
      biases: Int32Array.of(5, -9),
      multiplier: 130,
      shift: 12,
    },
    {
      inputs: 2,
      outputs: 2,
      activation: "none",
      weights: Int8Array.of(3, -4, 5, 6),
      biases: Int32Array.of(1, -1),
      multiplier: 0,
      shift: 0,
    },
  ],
};

/**
 * Makes a key for, proves and verifies a tiny model, and checks that a wrong output is refused: what does not work takes
 * no work. Throws `self-verification-failed`.
 */
export async function testBackEnd(backEnd: ProofBackEnd, rng: Rng): Promise<void> {
  const r1cs = compileCircuit(MODEL);
  const { signal } = new AbortController();
  const made = await backEnd.makeKey({ r1cs, ceremony: undefined, signal, onProgress: () => undefined });
  const { verifyingKey, provingKey } = made;
  const circuit = await backEnd.load({ r1cs, verifyingKey, provingKey, signal });
  const input = Uint8Array.of(200, 100);
  const witness = computeWitness(MODEL, r1cs, input, rng.bytes(32), 1n);
  const proof = await circuit.prove(witness, signal);
  await circuit.release();
  const [context, commitment] = [witness[1] as bigint, witness[2] as bigint];
  const output = packOutput(evaluate(MODEL, input));
  const isSound =
    (await backEnd.verify(verifyingKey, [context, commitment, output], proof)) &&
    !(await backEnd.verify(verifyingKey, [context, commitment, output + 1n], proof));
  if (!isSound) throw selfVerificationFailed();
}

/** Tests the back end once, before its first work: a process that is never asked for it does not pay for that. */
export function testedFirst(backEnd: ProofBackEnd, rng: Rng): ProofBackEnd {
  let tested: Promise<void> | undefined;
  const test = (): Promise<void> => {
    tested ??= testBackEnd(backEnd, rng).catch((error: unknown) => {
      tested = undefined;
      throw error;
    });
    return tested;
  };
  return {
    system: backEnd.system,
    name: backEnd.name,
    makeKey: async (wanted) => {
      await test();
      return backEnd.makeKey(wanted);
    },
    load: async (circuit) => {
      await test();
      return backEnd.load(circuit);
    },
    verify: (verifyingKey, publicInputs, proof) => backEnd.verify(verifyingKey, publicInputs, proof),
  };
}
