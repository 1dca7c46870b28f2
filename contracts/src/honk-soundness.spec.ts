import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UltraHonkProver } from "@aios/barretenberg/ultra-honk-prover";
import { acirCircuit } from "@aios/core-ultra-honk/acir-circuit";
import { developmentReferenceString } from "@aios/core-ultra-honk/reference-string";
import { compileCircuit, computeWitness } from "@aios/core-zkml/circuit";
import type { FloatModel } from "@aios/core-zkml/float-model";
import { inputCommitment } from "@aios/core-zkml/input-commitment";
import type { IntegerModel } from "@aios/core-zkml/integer-model";
import { packOutput } from "@aios/core-zkml/output-packing";
import { evaluateModel } from "@aios/core-zkml/provable-model";
import { quantiseModel } from "@aios/core-zkml/quantisation";
import { bytesToInteger, SCALAR_FIELD_ORDER, scalarToBytes } from "@aios/core-zkml/scalar-field";
import { SeededRng } from "@aios/kernel/random";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HonkVerification } from "./honk-verification.js";
import { DEVELOPMENT_TAU_G2 } from "./parameters.js";

const MODELS = 2;
const MUTATIONS_A_MODEL = 500;
const WORD = 32;
const rng = new SeededRng(22);
const verification = new HonkVerification(DEVELOPMENT_TAU_G2);
let directory: string;
let prover: UltraHonkProver;

interface Proven {
  readonly key: Uint8Array;
  readonly inputs: readonly bigint[];
  readonly proof: Uint8Array;
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "aios-honk-soundness-"));
  prover = new UltraHonkProver({
    directory,
    referenceString: async (logRows) => developmentReferenceString(logRows),
  });
});
afterAll(async () => {
  await prover?.close();
  await rm(directory, { recursive: true, force: true });
});

function randomModel(widths: readonly number[]): IntegerModel {
  const uniform = (): number => rng.uint32() / 2 ** 31 - 1;
  const float: FloatModel = {
    layers: widths.slice(1).map((outputs, index) => ({
      inputs: widths[index] as number,
      outputs,
      weights: Float32Array.from({ length: (widths[index] as number) * outputs }, uniform),
      biases: Float32Array.from({ length: outputs }, uniform),
      activation: index === widths.length - 2 ? "none" : "relu",
    })),
  };
  const calibration = Array.from({ length: 4 }, () => rng.bytes(widths[0] as number));
  return quantiseModel(float, calibration, rng.bytes(32)).model;
}

/** A model, an input and its proof; the public values come from the reference evaluator, not from the witness. */
async function proven(): Promise<Proven> {
  const model = randomModel([1 + rng.below(3), 1 + rng.below(3), 1 + rng.below(3)]);
  const r1cs = compileCircuit(model);
  const program = await prover.prepare(r1cs, acirCircuit(r1cs));
  const key = await prover.verifyingKey(program);
  const [input, salt, context] = [
    rng.bytes(model.layers[0]?.inputs ?? 0),
    rng.bytes(32),
    BigInt(rng.uint32()),
  ];
  const proof = await prover.prove(program, key, computeWitness(model, r1cs, input, salt, context));
  const inputs = [context, inputCommitment(input, salt), packOutput(evaluateModel(model, input))];
  return { key, inputs, proof };
}

/** Bytes flipped, a word moved by one within the field, two words exchanged, or a cut. */
function mutated(proof: Uint8Array): Uint8Array {
  const bytes = proof.slice();
  const words = bytes.length / WORD;
  const at = WORD * rng.below(words);
  switch (rng.below(4)) {
    case 0:
      for (let left = 1 + rng.below(4); left > 0; left--) {
        const index = rng.below(bytes.length);
        bytes[index] = (bytes[index] as number) ^ (1 + rng.below(255));
      }
      break;
    case 1:
      bytes.set(scalarToBytes((bytesToInteger(bytes.subarray(at, at + WORD)) + 1n) % SCALAR_FIELD_ORDER), at);
      break;
    case 2: {
      const other = WORD * rng.below(words);
      bytes.set(proof.subarray(other, other + WORD), at);
      bytes.set(proof.subarray(at, at + WORD), other);
      break;
    }
    default:
      return bytes.subarray(0, rng.below(bytes.length));
  }
  return bytes;
}

describe("UltraHonk of random small models", () => {
  it(`proves what the reference evaluator says, and no mutation of ${MODELS * MUTATIONS_A_MODEL} proofs is taken`, async () => {
    let before: Proven | undefined;
    for (let model = 0; model < MODELS; model++) {
      const made = await proven();
      const { key, inputs, proof } = made;
      expect(verification.verify(key, inputs, proof)).toBe(true);
      for (const at of inputs.keys())
        expect(verification.verify(key, inputs.with(at, (inputs[at] as bigint) + 1n), proof)).toBe(false);
      let refused = 0;
      for (let mutation = 0; mutation < MUTATIONS_A_MODEL; ) {
        const forged = mutated(proof);
        if (Buffer.compare(forged, proof) === 0) continue;
        mutation++;
        if (!verification.verify(key, inputs, forged)) refused++;
      }
      expect(refused).toBe(MUTATIONS_A_MODEL);
      // Another model's key, and another model's proof.
      if (before !== undefined) {
        expect(verification.verify(before.key, inputs, proof)).toBe(false);
        expect(verification.verify(key, before.inputs, before.proof)).toBe(false);
      }
      before = made;
    }
  }, 120_000);
});
