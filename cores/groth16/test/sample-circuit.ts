import { compileCircuit, computeWitness } from "@aios/core-zkml/circuit";
import type { IntegerModel } from "@aios/core-zkml/integer-model";
import type { R1cs, Witness } from "@aios/core-zkml/r1cs";

/** Three inputs, two hidden neurons, two logits: a real circuit that proves in milliseconds. */
export const sampleModel: IntegerModel = {
  salt: new Uint8Array(32).fill(7),
  layers: [
    {
      inputs: 3,
      outputs: 2,
      activation: "relu",
      weights: Int8Array.of(60, -20, 90, -33, 70, 12),
      biases: Int32Array.of(100, -200),
      multiplier: 130,
      shift: 12,
    },
    {
      inputs: 2,
      outputs: 2,
      activation: "none",
      weights: Int8Array.of(5, -7, 11, 3),
      biases: Int32Array.of(-9, 40),
      multiplier: 0,
      shift: 0,
    },
  ],
};

export const sampleCircuit: R1cs = compileCircuit(sampleModel);

export function sampleWitness(input = Uint8Array.of(10, 200, 30), context = 77n): Witness {
  return computeWitness(sampleModel, sampleCircuit, input, new Uint8Array(32).fill(5), context);
}

export function publicInputsOf(witness: Witness): bigint[] {
  return witness.slice(1, 1 + sampleCircuit.publicInputs);
}
