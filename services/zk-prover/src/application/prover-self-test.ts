import type { Groth16Prover } from "@aios/core-groth16/groth16-prover";
import { verify } from "@aios/core-groth16/verify";
import { compileCircuit, computeWitness } from "@aios/core-zkml/circuit";
import { evaluate } from "@aios/core-zkml/evaluator";
import type { IntegerModel } from "@aios/core-zkml/integer-model";
import { packOutput } from "@aios/core-zkml/output-packing";
import type { Rng } from "@aios/kernel/random";
import { selfVerificationFailed } from "../domain/errors.js";

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
 * Sets up, proves and verifies a tiny model, and checks that a wrong output is refused: a process whose prover does
 * not work takes no jobs. Throws `self-verification-failed`.
 */
export async function testProver(prover: Groth16Prover, rng: Rng): Promise<void> {
  const r1cs = compileCircuit(MODEL);
  const { provingKey, provingKeyHash, verifyingKey } = await prover.developmentSetup(r1cs, rng.bytes(32));
  const key = await prover.load(provingKey, provingKeyHash, r1cs);
  const input = Uint8Array.of(200, 100);
  const witness = computeWitness(MODEL, r1cs, input, rng.bytes(32), 1n);
  const proof = await prover.prove(key, witness, rng.bytes(32));
  await prover.unload(key);
  const [context, commitment] = [witness[1] as bigint, witness[2] as bigint];
  const output = packOutput(evaluate(MODEL, input));
  const isSound =
    verify(verifyingKey, [context, commitment, output], proof) &&
    !verify(verifyingKey, [context, commitment, output + 1n], proof);
  if (!isSound) throw selfVerificationFailed();
}
