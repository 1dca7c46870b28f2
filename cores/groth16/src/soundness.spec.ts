import { compileCircuit, computeWitness } from "@aios/core-zkml/circuit";
import { inputCommitment } from "@aios/core-zkml/input-commitment";
import { type ProvableModel, provableGraph } from "@aios/core-zkml/integer-graph";
import { elementCount } from "@aios/core-zkml/integer-node";
import { packOutput } from "@aios/core-zkml/output-packing";
import { evaluateModel } from "@aios/core-zkml/provable-model";
import { quantised, smallConvolutional } from "@aios/core-zkml/test/sample-graphs";
import { randomIntegerModel } from "@aios/core-zkml/test/sample-models";
import { SeededRng } from "@aios/kernel/random";
import { bn254 } from "@noble/curves/bn254.js";
import { afterAll, describe, expect, it } from "vitest";
import { Groth16Prover } from "./groth16-prover.js";
import type { G1Point, G2Point, Proof, VerifyingKey } from "./points.js";
import { decodeProof, encodeProof } from "./proof-encoding.js";
import { verify } from "./verify.js";

const rng = new SeededRng(21);
const width = () => 1 + rng.below(3);
const MODELS: readonly (() => ProvableModel)[] = [
  () => randomIntegerModel([width(), width(), width()], rng.uint32()),
  () => quantised(smallConvolutional(3), 3),
];
const MUTATIONS_A_MODEL = 500;
/** Of these, mutations that leave three valid points: each costs a pairing. */
const VALID_POINTS_A_MODEL = 50;
const prover = new Groth16Prover();
afterAll(() => prover.close());

interface Proven {
  readonly key: VerifyingKey;
  readonly inputs: readonly bigint[];
  readonly proof: Proof;
}

const { Fr } = bn254.fields;
const scalar = (): bigint => BigInt(2 + rng.below(1_000_000));
const g1 = (point: G1Point) => bn254.G1.Point.fromAffine(point);
const g2 = ({ x, y }: G2Point) =>
  bn254.G2.Point.fromAffine({
    x: { c0: x.real, c1: x.imaginary },
    y: { c0: y.real, c1: y.imaginary },
  });
function fromG2(point: ReturnType<typeof g2>): G2Point {
  const { x, y } = point.toAffine();
  return { x: { real: x.c0, imaginary: x.c1 }, y: { real: y.c0, imaginary: y.c1 } };
}

/** The same proof in other points: it holds for its statement. */
function rerandomised({ a, b, c }: Proof): Proof {
  const r = scalar();
  return { a: g1(a).multiply(r).toAffine(), b: fromG2(g2(b).multiply(Fr.inv(r))), c };
}

/** Changes of a proof that leave valid points; `other` is a proof of another input by the same key. */
const FORGERIES: readonly ((proof: Proof, other: Proof) => Proof)[] = [
  (proof) => ({ ...proof, a: g1(proof.a).multiply(scalar()).toAffine() }),
  (proof) => ({ ...proof, b: fromG2(g2(proof.b).multiply(scalar())) }),
  (proof) => ({ ...proof, c: g1(proof.c).multiply(scalar()).toAffine() }),
  (proof) => ({ ...proof, a: g1(proof.a).add(bn254.G1.Point.BASE.multiply(scalar())).toAffine() }),
  (proof) => ({ ...proof, b: fromG2(g2(proof.b).add(bn254.G2.Point.BASE.multiply(scalar()))) }),
  (proof) => ({ ...proof, c: g1(proof.c).add(bn254.G1.Point.BASE.multiply(scalar())).toAffine() }),
  (proof) => ({ ...proof, a: g1(proof.a).negate().toAffine() }),
  (proof) => ({ ...proof, b: fromG2(g2(proof.b).negate()) }),
  (proof) => ({ ...proof, c: g1(proof.c).negate().toAffine() }),
  (proof) => ({ ...rerandomised(proof), a: g1(proof.a).negate().toAffine() }),
  ({ a, b, c }) => ({ a: c, b, c: a }),
  (proof, other) => ({ ...proof, a: other.a }),
  (proof, other) => ({ ...proof, b: other.b }),
  (proof, other) => ({ ...proof, c: other.c }),
  (proof, other) => ({ ...other, c: proof.c }),
  // The whole proof of the other input, and that in other points.
  (_, other) => other,
  (_, other) => rerandomised(other),
];

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

/** Two proofs of one model by one key; the public values come from the reference evaluator, not from the witness. */
async function provenTwice(model: ProvableModel): Promise<readonly [Proven, Proven]> {
  const r1cs = compileCircuit(model);
  const {
    provingKey,
    provingKeyHash,
    verifyingKey: key,
  } = await prover.developmentSetup(r1cs, rng.bytes(32));
  const loaded = await prover.load(provingKey, provingKeyHash, r1cs);
  const prove = async (): Promise<Proven> => {
    const input = rng.bytes(elementCount(provableGraph(model).inputShape));
    const [salt, context] = [rng.bytes(32), BigInt(rng.uint32())];
    const witness = computeWitness(model, r1cs, input, salt, context);
    const proof = await prover.prove(loaded, witness, rng.bytes(32));
    return {
      key,
      proof,
      inputs: [context, inputCommitment(input, salt), packOutput(evaluateModel(model, input))],
    };
  };
  const proofs = [await prove(), await prove()] as const;
  await prover.unload(loaded);
  return proofs;
}

describe("random small models", () => {
  it(`prove what the reference evaluator says, and no mutation of ${MODELS.length * MUTATIONS_A_MODEL} proofs is taken`, async () => {
    let before: Proven | undefined;
    for (const model of MODELS) {
      const [{ key, inputs, proof }, other] = await provenTwice(model());
      expect(verify(key, inputs, proof)).toBe(true);
      expect(verify(key, other.inputs, rerandomised(other.proof))).toBe(true);

      let refused = 0;
      for (let mutation = 0; mutation < MUTATIONS_A_MODEL; mutation++) {
        const forge = FORGERIES[mutation % FORGERIES.length] as (typeof FORGERIES)[number];
        const bytes =
          mutation < VALID_POINTS_A_MODEL ? encodeProof(forge(proof, other.proof)) : withOtherBytes(proof);
        if (!accepts(key, inputs, () => decodeProof(bytes))) refused++;
      }
      expect(refused).toBe(MUTATIONS_A_MODEL);
      // Another model's key, and another model's proof.
      if (before !== undefined) {
        expect(verify(before.key, inputs, proof)).toBe(false);
        expect(verify(key, before.inputs, before.proof)).toBe(false);
      }
      before = { key, inputs, proof };
    }
  }, 240_000);
});
