import { bn254 } from "@noble/curves/bn254.js";
import { bigintOf, bytesOf, concatenate, ONE, type Precompile, padded } from "./precompile.js";

type G1 = InstanceType<typeof bn254.G1.Point>;
type G2 = InstanceType<typeof bn254.G2.Point>;
const P = bn254.fields.Fp.ORDER;

function coordinate(input: Uint8Array, at: number): bigint {
  const value = bigintOf(padded(input, at, 32));
  if (value >= P) throw new RangeError("a coordinate is not in the field");
  return value;
}

function g1At(input: Uint8Array, at: number): G1 {
  const x = coordinate(input, at);
  const y = coordinate(input, at + 32);
  if (x === 0n && y === 0n) return bn254.G1.Point.ZERO;
  const point = bn254.G1.Point.fromAffine({ x, y });
  point.assertValidity();
  return point;
}

/** Imaginary parts come first (EIP-197). */
function g2At(input: Uint8Array, at: number): G2 {
  const x = { c1: coordinate(input, at), c0: coordinate(input, at + 32) };
  const y = { c1: coordinate(input, at + 64), c0: coordinate(input, at + 96) };
  if (x.c0 === 0n && x.c1 === 0n && y.c0 === 0n && y.c1 === 0n) return bn254.G2.Point.ZERO;
  const point = bn254.G2.Point.fromAffine({ x, y });
  point.assertValidity();
  return point;
}

function encode(point: G1): Uint8Array {
  if (point.is0()) return new Uint8Array(64);
  const { x, y } = point.toAffine();
  return concatenate(bytesOf(x, 32), bytesOf(y, 32));
}

/** Input that is no point makes the precompile fail. */
export function failing(compute: (input: Uint8Array) => Uint8Array): Precompile["run"] {
  return (input) => {
    try {
      return compute(input);
    } catch {
      return undefined;
    }
  };
}

/** 0x06: addition on alt_bn128 (EIP-196; gas by EIP-1108). */
export const bn254Add: Precompile = {
  gas: () => 150,
  run: failing((input) => encode(g1At(input, 0).add(g1At(input, 64)))),
};

/** 0x07: scalar multiplication (EIP-196). */
export const bn254Multiply: Precompile = {
  gas: () => 6_000,
  run: failing((input) => {
    const point = g1At(input, 0);
    const scalar = bigintOf(padded(input, 64, 32)) % bn254.fields.Fr.ORDER;
    return encode(scalar === 0n ? bn254.G1.Point.ZERO : point.multiplyUnsafe(scalar));
  }),
};

const PAIR_BYTES = 192;

/** 0x08: whether a product of pairings is one (EIP-197). */
export const bn254Pairing: Precompile = {
  gas: (input) => 45_000 + 34_000 * Math.floor(input.length / PAIR_BYTES),
  run: failing((input) => {
    if (input.length % PAIR_BYTES !== 0) throw new RangeError("the input is not of whole pairs");
    const pairs: { g1: G1; g2: G2 }[] = [];
    for (let at = 0; at < input.length; at += PAIR_BYTES) {
      const g1 = g1At(input, at);
      const g2 = g2At(input, at + 64);
      if (!g2.is0() && !g2.isTorsionFree()) throw new RangeError("a point is not in the subgroup");
      if (!g1.is0() && !g2.is0()) pairs.push({ g1, g2 });
    }
    if (pairs.length === 0) return ONE.slice();
    const { Fp12 } = bn254.fields;
    return Fp12.eql(bn254.pairingBatch(pairs), Fp12.ONE) ? ONE.slice() : new Uint8Array(32);
  }),
};
