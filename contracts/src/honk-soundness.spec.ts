import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UltraHonkProver } from "@aios/barretenberg/ultra-honk-prover";
import { gateCount } from "@aios/core-ultra-honk/gate-count";
import { decodeHonkKey } from "@aios/core-ultra-honk/honk-key";
import { developmentReferenceString } from "@aios/core-ultra-honk/reference-string";
import { compileCircuit, computeWitness } from "@aios/core-zkml/circuit";
import { inputCommitment } from "@aios/core-zkml/input-commitment";
import { type ProvableModel, provableGraph } from "@aios/core-zkml/integer-graph";
import { elementCount } from "@aios/core-zkml/integer-node";
import { packOutput } from "@aios/core-zkml/output-packing";
import { evaluateModel } from "@aios/core-zkml/provable-model";
import { bytesToInteger, SCALAR_FIELD_ORDER, scalarToBytes } from "@aios/core-zkml/scalar-field";
import { quantised, smallConvolutional } from "@aios/core-zkml/test/sample-graphs";
import { randomIntegerModel } from "@aios/core-zkml/test/sample-models";
import { SeededRng } from "@aios/kernel/random";
import { bn254 } from "@noble/curves/bn254.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HonkVerification } from "./honk-verification.js";
import { DEVELOPMENT_TAU_G2 } from "./parameters.js";

const MUTATIONS_A_MODEL = 500;
/** Of these, mutations that leave every point on the curve. */
const VALID_POINTS_A_MODEL = 50;
const WORD = 32;
const rng = new SeededRng(22);
const width = (): number => 1 + rng.below(3);
const MODELS: readonly (() => ProvableModel)[] = [
  () => randomIntegerModel([width(), width(), width()], rng.uint32()),
  () => quantised(smallConvolutional(3), 3),
];
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

/** A model, an input and its proof; the public values come from the reference evaluator, not from the witness. */
async function proven(model: ProvableModel): Promise<Proven> {
  const r1cs = compileCircuit(model);
  const program = await prover.prepare(r1cs);
  expect(gateCount(r1cs)).toBe(program.gates);
  const key = await prover.verifyingKey(program);
  const input = rng.bytes(elementCount(provableGraph(model).inputShape));
  const [salt, context] = [rng.bytes(32), BigInt(rng.uint32())];
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

/** Where the points lie in a proof, in the order of `HonkProof.sol`. */
function pointOffsets(key: Uint8Array): readonly number[] {
  const { logRows } = decodeHonkKey(key);
  const run = (firstWord: number, points: number): number[] =>
    Array.from({ length: points }, (_, at) => WORD * (firstWord + 2 * at));
  const opened = 29 + 9 * logRows + 43;
  const folds = opened + 4;
  const last = folds + 2 * (logRows - 1) + logRows + 4;
  return [...run(8, 10), ...run(opened, 2), ...run(folds, logRows - 1), ...run(last, 2)];
}

const { Point } = bn254.G1;

function readPoint(proof: Uint8Array, at: number): InstanceType<typeof Point> {
  const [x, y] = [0, WORD].map((from) => bytesToInteger(proof.subarray(at + from, at + from + WORD)));
  return x === 0n && y === 0n ? Point.ZERO : Point.fromAffine({ x: x as bigint, y: y as bigint });
}

function writePoint(proof: Uint8Array, at: number, point: InstanceType<typeof Point>): void {
  const { x, y } = point.is0() ? { x: 0n, y: 0n } : point.toAffine();
  const words = [x, y].map((word) => Buffer.from(word.toString(16).padStart(2 * WORD, "0"), "hex"));
  proof.set(Buffer.concat(words), at);
}

/** One point moved by a multiple of the generator, negated, exchanged with another, or taken from another proof. */
function withAnotherPoint({ key, proof }: Proven, other: Proven): Uint8Array {
  const bytes = proof.slice();
  const pick = (of: Proven = { key, proof, inputs: [] }): number => {
    const offsets = pointOffsets(of.key);
    return offsets[rng.below(offsets.length)] as number;
  };
  const at = pick();
  const point = readPoint(proof, at);
  switch (rng.below(4)) {
    case 0:
      writePoint(bytes, at, point.add(Point.BASE.multiply(BigInt(1 + rng.below(1_000_000)))));
      break;
    case 1:
      writePoint(bytes, at, point.negate());
      break;
    case 2: {
      const second = pick();
      writePoint(bytes, at, readPoint(proof, second));
      writePoint(bytes, second, point);
      break;
    }
    default:
      writePoint(bytes, at, readPoint(other.proof, pick(other)));
  }
  return bytes;
}

describe("UltraHonk of random small models", () => {
  it(`proves what the reference evaluator says, and no mutation of ${MODELS.length * MUTATIONS_A_MODEL} proofs is taken`, async () => {
    const all: Proven[] = [];
    for (const model of MODELS) all.push(await proven(model()));
    for (const [model, made] of all.entries()) {
      const { key, inputs, proof } = made;
      const other = all[(model + 1) % all.length] as Proven;
      expect(verification.verify(key, inputs, proof)).toBe(true);
      for (const at of inputs.keys())
        expect(verification.verify(key, inputs.with(at, (inputs[at] as bigint) + 1n), proof)).toBe(false);
      let refused = 0;
      for (let mutation = 0; mutation < MUTATIONS_A_MODEL; ) {
        const forged = mutation < VALID_POINTS_A_MODEL ? withAnotherPoint(made, other) : mutated(proof);
        if (Buffer.compare(forged, proof) === 0) continue;
        mutation++;
        if (!verification.verify(key, inputs, forged)) refused++;
      }
      expect(refused).toBe(MUTATIONS_A_MODEL);
      // Another model's key, and another model's proof.
      expect(verification.verify(other.key, inputs, proof)).toBe(false);
      expect(verification.verify(key, other.inputs, other.proof)).toBe(false);
    }
  }, 120_000);
});
