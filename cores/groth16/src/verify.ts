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
  if (!made.isTorsionFree()) throw malformed(what, "a point is not in the right subgroup");
  return made;
}

function asInit(error: CodedError): ConstructorParameters<typeof CodedError>[0] {
  return { code: error.code, kind: error.kind, message: error.message, details: error.details };
}

/**
 * Groth16 verification (eprint 2016/260, section 3.2): e(A, B) = e(α, β) · e(Σ input · ic, γ) · e(C, δ), on
 * @noble/curves, with no code in common with the prover. Runs in Node and browsers, about 20 ms warm.
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
  const [alpha, beta] = [g1(key.alpha, "verifying-key"), g2(key.beta, "verifying-key")];
  const [gamma, delta] = [g2(key.gamma, "verifying-key"), g2(key.delta, "verifying-key")];
  const ic = key.ic.map((point) => g1(point, "verifying-key"));
  if (!publicInputs.every((input) => input >= 0n && input < SCALAR_FIELD_ORDER)) return false;
  let sum = ic[0] as G1;
  for (const [index, input] of publicInputs.entries()) {
    if (input !== 0n) sum = sum.add((ic[index + 1] as G1).multiply(input));
  }
  const pairs = [
    { g1: a.negate(), g2: b },
    { g1: alpha, g2: beta },
    { g1: sum, g2: gamma },
    { g1: c, g2: delta },
  ].filter((pair) => !pair.g1.is0());
  return Fp12.eql(bn254.pairingBatch(pairs), Fp12.ONE);
}
