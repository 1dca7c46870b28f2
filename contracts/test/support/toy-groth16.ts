import { bn254 } from "@noble/curves/bn254.js";
import { AbiCoder, concat, keccak256, toBeHex } from "ethers";

/**
 * Groth16 without a circuit: whoever knows the trapdoor can prove any public inputs. Gives valid proofs to test a
 * verifier with, and nothing else.
 */
export class ToyGroth16 {
  readonly verifyingKey: string;
  readonly verifyingKeyHash: string;
  readonly #alphaBeta: bigint;
  readonly #gamma: bigint;
  readonly #delta: bigint;
  readonly #ic: readonly bigint[];

  constructor(seed: bigint, publicInputCount = 3) {
    const scalar = scalars(seed);
    const [alpha, beta] = [scalar(), scalar()];
    this.#alphaBeta = Fr.mul(alpha, beta);
    this.#gamma = scalar();
    this.#delta = scalar();
    this.#ic = Array.from({ length: publicInputCount + 1 }, scalar);
    this.verifyingKey = concat([
      g1(alpha),
      g2(beta),
      g2(this.#gamma),
      g2(this.#delta),
      ...this.#ic.map((k) => g1(k)),
    ]);
    this.verifyingKeyHash = keccak256(this.verifyingKey);
  }

  /** `randomness` picks one of the many proofs of the same statement: a re-randomised proof looks like another one. */
  prove(publicInputs: readonly bigint[], randomness = 1n): string {
    const scalar = scalars(randomness + 1_000_000n);
    const [a, b] = [scalar(), scalar()];
    let sum = this.#ic[0] ?? 0n;
    for (const [index, input] of publicInputs.entries())
      sum = Fr.add(sum, Fr.mul(this.#ic[index + 1] ?? 0n, Fr.create(input)));
    const c = Fr.div(Fr.sub(Fr.sub(Fr.mul(a, b), this.#alphaBeta), Fr.mul(sum, this.#gamma)), this.#delta);
    return concat([g1(a), g2(b), g1(c)]);
  }

  evidence(publicInputs: readonly bigint[], randomness = 1n): string {
    return encodeEvidence(this.verifyingKey, this.prove(publicInputs, randomness));
  }
}

export function encodeEvidence(verifyingKey: string, proof: string): string {
  return AbiCoder.defaultAbiCoder().encode(["bytes", "bytes"], [verifyingKey, proof]);
}

export const SCALAR_ORDER: bigint = bn254.fields.Fr.ORDER;
export const FIELD_ORDER: bigint = bn254.fields.Fp.ORDER;

const Fr = bn254.fields.Fr;

function scalars(seed: bigint): () => bigint {
  let counter = 0n;
  return () => Fr.create(BigInt(keccak256(concat([toBeHex(seed, 32), toBeHex(counter++, 32)])))) || 1n;
}

function g1(scalar: bigint): string {
  const { x, y } = bn254.G1.Point.BASE.multiply(scalar).toAffine();
  return concat([toBeHex(x, 32), toBeHex(y, 32)]);
}

function g2(scalar: bigint): string {
  const { x, y } = bn254.G2.Point.BASE.multiply(scalar).toAffine();
  return concat([x.c1, x.c0, y.c1, y.c0].map((part) => toBeHex(part, 32)));
}

/** A point on the twist whose order is not the group's: four words as the precompile takes them. */
export function pointOutsideSubgroup(): string[] {
  const { Fp2 } = bn254.fields;
  const b = bn254.G2.Point.CURVE().b;
  for (let candidate = 1n; candidate < 200n; candidate++) {
    const x = { c0: candidate, c1: 0n };
    const ySquared = Fp2.add(Fp2.mul(Fp2.sqr(x), x), b);
    let y: typeof x;
    try {
      y = Fp2.sqrt(ySquared);
    } catch {
      continue;
    }
    const point = bn254.G2.Point.fromAffine({ x, y });
    if (point.isTorsionFree()) continue;
    return [x.c1, x.c0, y.c1, y.c0].map((word) => toBeHex(word, 32));
  }
  throw new Error("no point found");
}
