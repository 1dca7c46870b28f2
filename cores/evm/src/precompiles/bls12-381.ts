import { bls12_381 } from "@noble/curves/bls12-381.js";
import { G1_DISCOUNT, G2_DISCOUNT } from "./bls12-381-discount.js";
import { failing } from "./bn254.js";
import { bigintOf, bytesOf, concatenate, ONE, type Precompile } from "./precompile.js";

const { G1, G2, fields } = bls12_381;
type G1Point = InstanceType<typeof G1.Point>;
type G2Point = InstanceType<typeof G2.Point>;

const FIELD_BYTES = 64;
const G1_BYTES = 128;
const G2_BYTES = 256;
const SCALAR_BYTES = 32;

function requireLength(input: Uint8Array, bytes: number): void {
  if (input.length !== bytes) throw new RangeError(`the input is not of ${bytes} bytes`);
}

function requireWhole(input: Uint8Array, bytes: number): void {
  if (input.length === 0 || input.length % bytes !== 0)
    throw new RangeError(`the input is not of whole items of ${bytes} bytes`);
}

function fieldAt(input: Uint8Array, at: number): bigint {
  const value = bigintOf(input.subarray(at, at + FIELD_BYTES));
  if (value >= fields.Fp.ORDER) throw new RangeError("a coordinate is not in the field");
  return value;
}

function fp2At(input: Uint8Array, at: number): { c0: bigint; c1: bigint } {
  return { c0: fieldAt(input, at), c1: fieldAt(input, at + FIELD_BYTES) };
}

function requireOnCurve(ok: boolean): void {
  if (!ok) throw new RangeError("a point is not on the curve");
}

function g1At(input: Uint8Array, at: number, subgroup: boolean): G1Point {
  const x = fieldAt(input, at);
  const y = fieldAt(input, at + FIELD_BYTES);
  if (x === 0n && y === 0n) return G1.Point.ZERO;
  const { Fp } = fields;
  requireOnCurve(Fp.eql(Fp.sqr(y), Fp.add(Fp.mul(Fp.sqr(x), x), 4n)));
  const point = G1.Point.fromAffine({ x, y });
  if (subgroup && !point.isTorsionFree()) throw new RangeError("a point is not in the subgroup");
  return point;
}

function g2At(input: Uint8Array, at: number, subgroup: boolean): G2Point {
  const x = fp2At(input, at);
  const y = fp2At(input, at + 2 * FIELD_BYTES);
  if (x.c0 === 0n && x.c1 === 0n && y.c0 === 0n && y.c1 === 0n) return G2.Point.ZERO;
  const { Fp2 } = fields;
  requireOnCurve(Fp2.eql(Fp2.sqr(y), Fp2.add(Fp2.mul(Fp2.sqr(x), x), { c0: 4n, c1: 4n })));
  const point = G2.Point.fromAffine({ x, y });
  if (subgroup && !point.isTorsionFree()) throw new RangeError("a point is not in the subgroup");
  return point;
}

function encodeG1(point: G1Point): Uint8Array {
  if (point.is0()) return new Uint8Array(G1_BYTES);
  const { x, y } = point.toAffine();
  return concatenate(bytesOf(x, FIELD_BYTES), bytesOf(y, FIELD_BYTES));
}

function encodeG2(point: G2Point): Uint8Array {
  if (point.is0()) return new Uint8Array(G2_BYTES);
  const { x, y } = point.toAffine();
  return concatenate(...[x.c0, x.c1, y.c0, y.c1].map((value) => bytesOf(value, FIELD_BYTES)));
}

function scalarAt(input: Uint8Array, at: number): bigint {
  return bigintOf(input.subarray(at, at + SCALAR_BYTES)) % fields.Fr.ORDER;
}

function msmGas(pairs: number, single: number, discount: readonly number[]): number {
  if (pairs === 0) return 0;
  return Math.floor((pairs * single * discount[Math.min(pairs, discount.length) - 1]) / 1_000);
}

/** 0x0b (EIP-2537). Points outside the subgroup may be added. */
export const g1Add: Precompile = {
  gas: () => 375,
  run: failing((input) => {
    requireLength(input, 2 * G1_BYTES);
    return encodeG1(g1At(input, 0, false).add(g1At(input, G1_BYTES, false)));
  }),
};

const G1_PAIR = G1_BYTES + SCALAR_BYTES;

/** 0x0c: sum of points times scalars. */
export const g1Msm: Precompile = {
  gas: (input) => msmGas(Math.floor(input.length / G1_PAIR), 12_000, G1_DISCOUNT),
  run: failing((input) => {
    requireWhole(input, G1_PAIR);
    let sum = G1.Point.ZERO;
    for (let at = 0; at < input.length; at += G1_PAIR) {
      const point = g1At(input, at, true);
      const scalar = scalarAt(input, at + G1_BYTES);
      if (scalar !== 0n) sum = sum.add(point.multiplyUnsafe(scalar));
    }
    return encodeG1(sum);
  }),
};

/** 0x0d */
export const g2Add: Precompile = {
  gas: () => 600,
  run: failing((input) => {
    requireLength(input, 2 * G2_BYTES);
    return encodeG2(g2At(input, 0, false).add(g2At(input, G2_BYTES, false)));
  }),
};

const G2_PAIR = G2_BYTES + SCALAR_BYTES;

/** 0x0e */
export const g2Msm: Precompile = {
  gas: (input) => msmGas(Math.floor(input.length / G2_PAIR), 22_500, G2_DISCOUNT),
  run: failing((input) => {
    requireWhole(input, G2_PAIR);
    let sum = G2.Point.ZERO;
    for (let at = 0; at < input.length; at += G2_PAIR) {
      const point = g2At(input, at, true);
      const scalar = scalarAt(input, at + G2_BYTES);
      if (scalar !== 0n) sum = sum.add(point.multiplyUnsafe(scalar));
    }
    return encodeG2(sum);
  }),
};

const PAIRING_BYTES = G1_BYTES + G2_BYTES;

/** 0x0f: whether a product of pairings is one. */
export const pairingCheck: Precompile = {
  gas: (input) => 37_700 + 32_600 * Math.floor(input.length / PAIRING_BYTES),
  run: failing((input) => {
    requireWhole(input, PAIRING_BYTES);
    const pairs: { g1: G1Point; g2: G2Point }[] = [];
    for (let at = 0; at < input.length; at += PAIRING_BYTES) {
      const g1 = g1At(input, at, true);
      const g2 = g2At(input, at + G1_BYTES, true);
      if (!g1.is0() && !g2.is0()) pairs.push({ g1, g2 });
    }
    if (pairs.length === 0) return ONE.slice();
    return fields.Fp12.eql(bls12_381.pairingBatch(pairs), fields.Fp12.ONE) ? ONE.slice() : new Uint8Array(32);
  }),
};

/** 0x10: RFC 9380 map of a field element to the curve. */
export const mapToG1: Precompile = {
  gas: () => 5_500,
  run: failing((input) => {
    requireLength(input, FIELD_BYTES);
    // The library's declaration says a list and a bare pair of coordinates; G1 takes the element and gives a point.
    return encodeG1(G1.mapToCurve(fieldAt(input, 0) as unknown as bigint[]) as unknown as G1Point);
  }),
};

/** 0x11 */
export const mapToG2: Precompile = {
  gas: () => 23_800,
  run: failing((input) => {
    requireLength(input, 2 * FIELD_BYTES);
    const { c0, c1 } = fp2At(input, 0);
    return encodeG2(G2.mapToCurve([c0, c1]) as unknown as G2Point);
  }),
};
