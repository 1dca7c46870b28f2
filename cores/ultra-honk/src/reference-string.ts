import { BASE_FIELD_ORDER, type G2Point } from "@aios/core-groth16/points";
import { malformedPowers, type PowersOfTau } from "@aios/core-groth16/powers-of-tau";
import { scalarToBytes } from "@aios/core-zkml/scalar-field";
import { CodedError } from "@aios/kernel/coded-error";
import { normalizeZ, pippenger } from "@noble/curves/abstract/curve.js";
import { bn254 } from "@noble/curves/bn254.js";
import { shake256 } from "@noble/hashes/sha3.js";
import { MAX_LOG_ROWS } from "./honk-key.js";

type CurveG1 = InstanceType<typeof bn254.G1.Point>;

const WORD = 32;
const POINT = 2 * WORD;
const WEIGHT_BYTES = 16;
const SEED_BYTES = 32;
/** Sections of snarkjs' `.ptau` format. */
const TAU_G1 = 2;
const TAU_G2 = 3;
const G2_BYTES = 4 * WORD;
const MONTGOMERY_INVERSE = bn254.fields.Fp.inv((1n << 256n) % BASE_FIELD_ORDER);

const { Fp12 } = bn254.fields;

/** How the development string came to be, for people; shown wherever a proof under it is. */
export const DEVELOPMENT_STRING_TRUST =
  "forgeable by anybody: the development reference string's secret is two";

/** Universal set-up of UltraHonk, for all circuits of up to as many rows as it has powers. */
export interface ReferenceString {
  /** tau^0·G1, tau^1·G1, …: x and y of each, 32 bytes big-endian. */
  readonly points: Uint8Array;
  /** tau·G2, which the verifier is deployed with. */
  readonly tauG2: G2Point;
  /** Whom a proof under it trusts. */
  readonly trust: string;
}

/** tau·G2 as contracts take it (EIP-197): x imaginary, x real, y imaginary, y real; 32 bytes in hex each. */
export function tauG2Words({ x, y }: G2Point): readonly [string, string, string, string] {
  const word = (value: bigint): string => `0x${hexOf(scalarToBytes(value))}`;
  return [word(x.imaginary), word(x.real), word(y.imaginary), word(y.real)];
}

/** The masking polynomials of the zero-knowledge flavour have a few more than 256 coefficients in any circuit. */
const LEAST_LOG_POWERS = 9;

/** Powers that a circuit of 2^logRows rows needs. */
export function powersNeeded(logRows: number): number {
  return 2 ** Math.max(logRows, LEAST_LOG_POWERS) + 1;
}

function assertLogRows(logRows: number): void {
  if (Number.isInteger(logRows) && logRows >= 2 && logRows <= MAX_LOG_ROWS) return;
  throw new CodedError({
    code: "circuit-too-large",
    kind: "unprocessable",
    message: `A circuit has 2^2 to 2^${MAX_LOG_ROWS} rows, not 2^${logRows}.`,
  });
}

function encodePoints(points: readonly CurveG1[]): Uint8Array {
  const out = new Uint8Array(points.length * POINT);
  for (const [index, point] of points.entries()) {
    const { x, y } = point.toAffine();
    out.set(scalarToBytes(x), index * POINT);
    out.set(scalarToBytes(y), index * POINT + WORD);
  }
  return out;
}

function plainG2(point: InstanceType<typeof bn254.G2.Point>): G2Point {
  const { x, y } = point.toAffine();
  return { x: { real: x.c0, imaginary: x.c1 }, y: { real: y.c0, imaginary: y.c1 } };
}

/**
 * The string whose tau is two: each point is the double of the one before, so that anybody has it in a moment, and
 * anybody can forge under it. It says so (`trust`). About a second for 2^16 rows.
 */
export function developmentReferenceString(logRows: number): ReferenceString {
  assertLogRows(logRows);
  const points: CurveG1[] = [bn254.G1.Point.BASE];
  while (points.length < powersNeeded(logRows)) points.push((points.at(-1) as CurveG1).double());
  return {
    points: encodePoints(normalizeZ(bn254.G1.Point, points)),
    tauG2: plainG2(bn254.G2.Point.BASE.double()),
    trust: DEVELOPMENT_STRING_TRUST,
  };
}

/** A coordinate as snarkjs writes it: Montgomery form, little-endian. */
function coordinateAt(bytes: Uint8Array, at: number): bigint {
  let value = 0n;
  for (let index = at + WORD - 1; index >= at; index--)
    value = (value << 8n) | BigInt(bytes[index] as number);
  if (value >= BASE_FIELD_ORDER) throw malformedPowers("a coordinate is not below the field's prime");
  return (value * MONTGOMERY_INVERSE) % BASE_FIELD_ORDER;
}

function checkedG1(bytes: Uint8Array, at: number): CurveG1 {
  const point = bn254.G1.Point.fromAffine({ x: coordinateAt(bytes, at), y: coordinateAt(bytes, at + WORD) });
  try {
    point.assertValidity();
  } catch {
    throw malformedPowers("a point is not on the curve");
  }
  return point;
}

function checkedTauG2(section: Uint8Array): InstanceType<typeof bn254.G2.Point> {
  const at = (index: number): bigint => coordinateAt(section, G2_BYTES + index * WORD);
  const point = bn254.G2.Point.fromAffine({ x: { c0: at(0), c1: at(1) }, y: { c0: at(2), c1: at(3) } });
  try {
    point.assertValidity();
  } catch {
    throw malformedPowers("tau·G2 is not on its curve");
  }
  if (!point.isTorsionFree()) throw malformedPowers("tau·G2 is not in the group of prime order");
  return point;
}

/** `count` weights of 128 bits from a seed that was not known when the points were made. */
function weightsFrom(seed: Uint8Array, count: number): bigint[] {
  if (seed.length < SEED_BYTES)
    throw new CodedError({
      code: "seed-too-short",
      kind: "invalid",
      message: `A seed needs at least ${SEED_BYTES} random bytes.`,
    });
  const stream = shake256(seed, { dkLen: count * WEIGHT_BYTES });
  return Array.from({ length: count }, (_, index) => {
    let weight = 0n;
    for (let at = 0; at < WEIGHT_BYTES; at++)
      weight = (weight << 8n) | BigInt(stream[index * WEIGHT_BYTES + at] as number);
    return weight === 0n ? 1n : weight;
  });
}

/** e(Σ wᵢ·Pᵢ₊₁, G2) = e(Σ wᵢ·Pᵢ, tau·G2): all are powers of one tau, up to a chance of 2^-128. */
function assertConsecutive(
  points: readonly CurveG1[],
  tau: InstanceType<typeof bn254.G2.Point>,
  seed: Uint8Array,
): void {
  const weights = weightsFrom(seed, points.length - 1);
  const [above, below] = [points.slice(1), points.slice(0, -1)].map((run) =>
    pippenger(bn254.G1.Point, run as CurveG1[], weights),
  ) as [CurveG1, CurveG1];
  const product = bn254.pairingBatch([
    { g1: above.negate(), g2: bn254.G2.Point.BASE },
    { g1: below, g2: tau },
  ]);
  if (!Fp12.eql(product, Fp12.ONE)) throw malformedPowers("its points are not powers of one tau");
}

/**
 * The string of a ceremony's powers of tau, every point used checked (canonical, on the curve, powers of one tau).
 * `seed`: 32 fresh random bytes or more for the check. What no computation shows is who made them: compare the file's
 * hash with what the ceremony published. Some seconds for 2^16 rows.
 *
 * Throws `powers-of-tau-too-small`, `malformed-powers-of-tau`, `seed-too-short`.
 */
export function referenceStringFromPowers(
  powers: PowersOfTau,
  logRows: number,
  seed: Uint8Array,
): ReferenceString {
  assertLogRows(logRows);
  const needed = powersNeeded(logRows);
  const [g1, g2] = [powers.sections.get(TAU_G1) as Uint8Array, powers.sections.get(TAU_G2) as Uint8Array];
  if (g1.length / POINT < needed) {
    throw new CodedError({
      code: "powers-of-tau-too-small",
      kind: "unprocessable",
      message: `The circuit needs ${needed} powers of tau; this file has ${g1.length / POINT}.`,
      details: { needed, present: g1.length / POINT },
    });
  }
  const points = Array.from({ length: needed }, (_, index) => checkedG1(g1, index * POINT));
  if (!points[0]?.equals(bn254.G1.Point.BASE)) throw malformedPowers("its first point is not the generator");
  const tau = checkedTauG2(g2);
  assertConsecutive(points, tau, seed);
  return { points: encodePoints(points), tauG2: plainG2(tau), trust: powersTrust(powers) };
}

function powersTrust({ contributors, hash }: PowersOfTau): string {
  const names = contributors.map((name, index) => name || `contributor ${index + 1}`);
  const shown =
    names.length > 4 ? `${names.slice(0, 3).join(", ")} and ${names.length - 3} more` : names.join(", ");
  return names.length < 2
    ? `forgeable by ${shown}, who alone contributed to the powers of tau (file ${hexOf(hash).slice(0, 16)}…)`
    : `forgeable by whoever calls themselves ${shown}, possibly one party, together: all ${names.length} contributors to the powers of tau`;
}

function hexOf(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
