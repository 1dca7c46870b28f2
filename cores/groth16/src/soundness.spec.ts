import { compileCircuit, computeWitness } from "@aios/core-zkml/circuit";
import type { FloatModel } from "@aios/core-zkml/float-model";
import { packOutput } from "@aios/core-zkml/output-packing";
import { evaluateModel } from "@aios/core-zkml/provable-model";
import { quantiseModel } from "@aios/core-zkml/quantisation";
import { SeededRng } from "@aios/kernel/random";
import { bn254 } from "@noble/curves/bn254.js";
import { afterAll, describe, expect, it } from "vitest";
import { Groth16Prover } from "./groth16-prover.js";
import type { G1Point, G2Point, Proof, VerifyingKey } from "./points.js";
import { decodeProof, encodeProof } from "./proof-encoding.js";
import { verify } from "./verify.js";

const MODELS = 4;
const MUTATIONS_A_MODEL = 250;
/** Of these, mutations that leave three valid points: each costs a pairing. */
const VALID_POINTS_A_MODEL = 10;
const rng = new SeededRng(21);
const prover = new Groth16Prover();
afterAll(() => prover.close());

function randomModel(widths: readonly number[]) {
  const uniform = () => rng.uint32() / 2 ** 31 - 1;
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

const multiple = (point: G1Point): G1Point =>
  bn254.G1.Point.fromAffine(point)
    .multiply(BigInt(2 + rng.below(1_000)))
    .toAffine();

function multipleG2({ x, y }: G2Point): G2Point {
  const point = bn254.G2.Point.fromAffine({
    x: { c0: x.real, c1: x.imaginary },
    y: { c0: y.real, c1: y.imaginary },
  });
  const made = point.multiply(BigInt(2 + rng.below(1_000))).toAffine();
  return { x: { real: made.x.c0, imaginary: made.x.c1 }, y: { real: made.y.c0, imaginary: made.y.c1 } };
}

/** Another proof of valid points: one of the three is another one. */
function withAnotherPoint(proof: Proof): Proof {
  const which = rng.below(3);
  if (which === 0) return { ...proof, a: multiple(proof.a) };
  if (which === 1) return { ...proof, b: multipleG2(proof.b) };
  return { ...proof, c: multiple(proof.c) };
}

/** One to four bytes of the encoding are others. */
function withOtherBytes(proof: Proof): Uint8Array {
  const bytes = encodeProof(proof);
  for (let left = 1 + rng.below(4); left > 0; left--) {
    const at = rng.below(bytes.length);
    bytes[at] = (bytes[at] as number) ^ (1 + rng.below(255));
  }
  return bytes;
}

function accepts(key: VerifyingKey, inputs: readonly bigint[], read: () => Proof): boolean {
  try {
    return verify(key, inputs, read());
  } catch (error) {
    expect(error).toMatchObject({ code: "malformed-proof" });
    return false;
  }
}

describe("random small models", () => {
  it(`prove what the reference evaluator says, and no mutation of ${MODELS * MUTATIONS_A_MODEL} proofs is taken`, async () => {
    let before:
      | { readonly key: VerifyingKey; readonly inputs: readonly bigint[]; readonly proof: Proof }
      | undefined;
    for (let model = 0; model < MODELS; model++) {
      const integers = randomModel([1 + rng.below(3), 1 + rng.below(3), 1 + rng.below(3)]);
      const r1cs = compileCircuit(integers);
      const {
        provingKey,
        provingKeyHash,
        verifyingKey: key,
      } = await prover.developmentSetup(r1cs, rng.bytes(32));
      const loaded = await prover.load(provingKey, provingKeyHash, r1cs);
      const input = rng.bytes(integers.layers[0]?.inputs ?? 0);
      const witness = computeWitness(integers, r1cs, input, rng.bytes(32), BigInt(rng.uint32()));
      const proof = await prover.prove(loaded, witness, rng.bytes(32));
      const inputs = witness.slice(1, 4);
      expect(inputs[2]).toBe(packOutput(evaluateModel(integers, input)));
      expect(verify(key, inputs, proof)).toBe(true);

      let refused = 0;
      for (let mutation = 0; mutation < MUTATIONS_A_MODEL; mutation++) {
        const read =
          mutation < VALID_POINTS_A_MODEL
            ? () => withAnotherPoint(proof)
            : (
                (bytes) => () =>
                  decodeProof(bytes)
              )(withOtherBytes(proof));
        if (!accepts(key, inputs, read)) refused++;
      }
      expect(refused).toBe(MUTATIONS_A_MODEL);
      // Another model's key, and another model's proof.
      if (before !== undefined) {
        expect(verify(before.key, inputs, proof)).toBe(false);
        expect(verify(key, before.inputs, before.proof)).toBe(false);
      }
      before = { key, inputs, proof };
      await prover.unload(loaded);
    }
  }, 240_000);
});
