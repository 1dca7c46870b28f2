import { CodedError } from "@aios/kernel/coded-error";
import { bn254 } from "@noble/curves/bn254.js";
import {
  BASE_FIELD_ORDER,
  type G1Point,
  type G2Point,
  malformed,
  type Proof,
  type VerifyingKey,
} from "./points.js";

type G1 = InstanceType<typeof bn254.G1.Point>;
type G2 = InstanceType<typeof bn254.G2.Point>;
type What = "proof" | "verifying-key";

type Lines = ReturnType<typeof bn254.utils.calcPairingPrecomputes>;

const { Fp12 } = bn254.fields;
const SCALAR_FIELD_ORDER = bn254.fields.Fr.ORDER;

function assertCanonical(what: What, coordinates: readonly bigint[]): void {
  if (!coordinates.every((value) => value >= 0n && value < BASE_FIELD_ORDER))
    throw malformed(what, "a coordinate is not below the field's prime");
  if (coordinates.every((value) => value === 0n)) throw malformed(what, "a point is at infinity");
}

/** Every point of the curve over the base field is in the group of prime order: its cofactor is 1. */
function g1(point: G1Point, what: What): G1 {
  assertCanonical(what, [point.x, point.y]);
  const made = bn254.G1.Point.fromAffine(point);
  try {
    made.assertValidity();
  } catch (cause) {
    throw new CodedError({ ...asInit(malformed(what, "a point is not on the curve")), cause });
  }
  return made;
}

function g2(point: G2Point, what: What): G2 {
  assertCanonical(what, [point.x.real, point.x.imaginary, point.y.real, point.y.imaginary]);
  const made = bn254.G2.Point.fromAffine({
    x: { c0: point.x.real, c1: point.x.imaginary },
    y: { c0: point.y.real, c1: point.y.imaginary },
  });
  try {
    made.assertValidity();
  } catch (cause) {
    throw new CodedError({
      ...asInit(malformed(what, "a point is not on the twisted curve or not in the right subgroup")),
      cause,
    });
  }
  return made;
}

function asInit(error: CodedError): ConstructorParameters<typeof CodedError>[0] {
  return { code: error.code, kind: error.kind, message: error.message, details: error.details };
}

/** What the equation needs of a verifying key, whose points are checked. */
interface PreparedKey {
  readonly ic: readonly G1[];
  /** Miller loop of (α, β). */
  readonly alphaBeta: ReturnType<typeof bn254.millerLoopBatch>;
  readonly gamma: Lines;
  readonly delta: Lines;
}

/** A prepared key is about 0.5 MiB, and whoever checks many proofs checks them under few keys. */
const MOST_PREPARED = 8;
const WINDOW_BITS = 6;
const preparedKeys = new Map<string, PreparedKey>();

function prepare(key: VerifyingKey): PreparedKey {
  const [alpha, beta] = [g1(key.alpha, "verifying-key"), g2(key.beta, "verifying-key")];
  const [gamma, delta] = [g2(key.gamma, "verifying-key"), g2(key.delta, "verifying-key")];
  const [constant, ...factors] = key.ic.map((point) => g1(point, "verifying-key"));
  return {
    ic: [constant as G1, ...factors.map((point) => point.precompute(WINDOW_BITS))],
    alphaBeta: bn254.millerLoopBatch([millerPair(alpha, linesOf(beta))]),
    gamma: linesOf(gamma),
    delta: linesOf(delta),
  };
}

/** Found by its coordinates, so that a key that was changed is another key. */
function preparedKey(key: VerifyingKey): PreparedKey {
  const name = coordinatesOf(key)
    .map((value) => value.toString(36))
    .join();
  const prepared = preparedKeys.get(name) ?? prepare(key);
  preparedKeys.delete(name);
  preparedKeys.set(name, prepared);
  const [oldest] = preparedKeys.keys();
  if (preparedKeys.size > MOST_PREPARED && oldest !== undefined) preparedKeys.delete(oldest);
  return prepared;
}

function coordinatesOf({ alpha, beta, gamma, delta, ic }: VerifyingKey): bigint[] {
  return [
    ...[beta, gamma, delta].flatMap(({ x, y }) => [x.real, x.imaginary, y.real, y.imaginary]),
    ...[alpha, ...ic].flatMap(({ x, y }) => [x, y]),
  ];
}

function linesOf(point: G2): Lines {
  return bn254.utils.calcPairingPrecomputes(point);
}

function millerPair(point: G1, lines: Lines): [Lines, bigint, bigint] {
  const { x, y } = point.toAffine();
  return [lines, x, y];
}

/**
 * Groth16 verification (eprint 2016/260, section 3.2): e(A, B) = e(α, β) · e(Σ input · ic, γ) · e(C, δ), on
 * @noble/curves, with no code in common with the prover. Runs in Node and browsers: about 25 ms warm under a key seen
 * before (the last eight are kept prepared), 20 ms more under another.
 *
 * False when the equation does not hold or a public input is not in [0, order). Throws `malformed-proof` and
 * `malformed-verifying-key` for points that are not canonical, at infinity, off the curve or outside the subgroup,
 * and for a number of inputs that the key does not have.
 */
export function verify(key: VerifyingKey, publicInputs: readonly bigint[], proof: Proof): boolean {
  if (key.ic.length !== publicInputs.length + 1) {
    throw malformed(
      "verifying-key",
      `it is for ${key.ic.length - 1} public inputs, not ${publicInputs.length}`,
    );
  }
  const [a, b, c] = [g1(proof.a, "proof"), g2(proof.b, "proof"), g1(proof.c, "proof")];
  const { ic, alphaBeta, gamma, delta } = preparedKey(key);
  if (!publicInputs.every((input) => input >= 0n && input < SCALAR_FIELD_ORDER)) return false;
  let sum = ic[0] as G1;
  for (const [index, input] of publicInputs.entries()) {
    if (input !== 0n) sum = sum.add((ic[index + 1] as G1).multiply(input));
  }
  const pairs = [millerPair(a.negate(), linesOf(b)), millerPair(c, delta)];
  if (!sum.is0()) pairs.push(millerPair(sum, gamma));
  const product = Fp12.mul(alphaBeta, bn254.millerLoopBatch(pairs));
  return Fp12.eql(Fp12.finalExponentiate(product), Fp12.ONE);
}
