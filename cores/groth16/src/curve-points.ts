import { bn254 } from "@noble/curves/bn254.js";
import { G1_BYTES, G2_BYTES } from "./key-points.js";
import type { G1Point, G2Point } from "./points.js";

/** Points of BN254 for pairings outside the prover's module. */
export type CurveG1 = InstanceType<typeof bn254.G1.Point>;
export type CurveG2 = InstanceType<typeof bn254.G2.Point>;

const COORDINATE = 32;
/** Flags of arkworks' encoding in the last byte: sign and infinity. */
const FLAGS = 0xc0;
const INFINITY = 0x40;
const { Fp12 } = bn254.fields;

export const G1_GENERATOR: CurveG1 = bn254.G1.Point.BASE;
export const G1_ZERO: CurveG1 = bn254.G1.Point.ZERO;
export const G2_GENERATOR: CurveG2 = bn254.G2.Point.BASE;

function coordinates(bytes: Uint8Array): bigint[] {
  return Array.from({ length: bytes.length / COORDINATE }, (_, index) => {
    let value = 0n;
    for (let at = COORDINATE - 1; at >= 0; at--) {
      const byte = bytes[index * COORDINATE + at] as number;
      const isLast = index * COORDINATE + at === bytes.length - 1;
      value = (value << 8n) | BigInt(isLast ? byte & ~FLAGS : byte);
    }
    return value;
  });
}

/** One point of G1 as arkworks writes it, uncompressed. What the module gave: not checked again. */
export function g1FromRun(bytes: Uint8Array): CurveG1 {
  if (((bytes[G1_BYTES - 1] as number) & INFINITY) !== 0) return bn254.G1.Point.ZERO;
  const [x, y] = coordinates(bytes) as [bigint, bigint];
  return bn254.G1.Point.fromAffine({ x, y });
}

/** As `g1FromRun`, of G2. */
export function g2FromRun(bytes: Uint8Array): CurveG2 {
  if (((bytes[G2_BYTES - 1] as number) & INFINITY) !== 0) return bn254.G2.Point.ZERO;
  const [xr, xi, yr, yi] = coordinates(bytes) as [bigint, bigint, bigint, bigint];
  return bn254.G2.Point.fromAffine({ x: { c0: xr, c1: xi }, y: { c0: yr, c1: yi } });
}

/** As keys and proofs hold it; the point is not at infinity. */
export function plainG1(point: CurveG1): G1Point {
  const { x, y } = point.toAffine();
  return { x, y };
}

export function plainG2(point: CurveG2): G2Point {
  const { x, y } = point.toAffine();
  return { x: { real: x.c0, imaginary: x.c1 }, y: { real: y.c0, imaginary: y.c1 } };
}

/** e(a, b) = e(c, d). One pairing product, about 15 ms; false when a point is at infinity. */
export function samePairing(a: CurveG1, b: CurveG2, c: CurveG1, d: CurveG2): boolean {
  if (a.is0() || b.is0() || c.is0() || d.is0()) return false;
  const product = bn254.pairingBatch([
    { g1: a.negate(), g2: b },
    { g1: c, g2: d },
  ]);
  return Fp12.eql(product, Fp12.ONE);
}

/** As arkworks writes a point of G1, uncompressed, so that the module reads it. */
export function g1ToRun(point: CurveG1): Uint8Array<ArrayBuffer> {
  return runOf(affineOf(point));
}

export function g2ToRun(point: CurveG2): Uint8Array<ArrayBuffer> {
  const { x, y } = point.toAffine();
  return runOf([x.c0, x.c1, y.c0, y.c1]);
}

function affineOf(point: CurveG1): bigint[] {
  const { x, y } = point.toAffine();
  return [x, y];
}

function runOf(values: readonly bigint[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(values.length * COORDINATE);
  for (const [index, value] of values.entries()) {
    let rest = value;
    for (let at = 0; at < COORDINATE; at++) {
      out[index * COORDINATE + at] = Number(rest & 0xffn);
      rest >>= 8n;
    }
  }
  return out;
}
