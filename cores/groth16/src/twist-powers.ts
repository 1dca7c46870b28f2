import { CodedError } from "@aios/kernel/coded-error";
import { bn254 } from "@noble/curves/bn254.js";
import { shake256 } from "@noble/hashes/sha3.js";
import { concatBytes, G2_BYTES } from "./key-points.js";
import { BASE_FIELD_ORDER } from "./points.js";

type Bytes = Uint8Array<ArrayBuffer>;
type Fp2 = readonly [real: bigint, imaginary: bigint];

const P = BASE_FIELD_ORDER;
const COORDINATE = 32;
const LIMBS = 4;
const SCALAR_BYTES = 32;
const { c0, c1 } = bn254.G2.Point.CURVE().b;
/** Coordinates of `.ptau` files are multiples of this. */
const R = (1n << 256n) % P;
const INVERSE_R = bn254.fields.Fp.inv(R);
const B_R3: Fp2 = [(c0 * R * R * R) % P, (c1 * R * R * R) % P];
/** Of the weights of one combination. The twist's order is the group's times 10,069 · 5,864,401 · a larger number. */
const WEIGHT_BITS = 13;
/**
 * A point outside the group has a part of order 10,069 or more, which one combination hides with a chance of at most 2^-13,
 * whatever the other points are: all together of 2^-130.
 */
const COMBINATIONS = 10;

/**
 * A run of G2 as `.ptau` files hold it, in the module's encoding: coordinates below the prime, every point on the twist, none
 * at infinity. Whether they are in the group `groupWeights` are for. About 20 µs a point. Throws `prover-refused`.
 */
export function pointsOnTwist(run: Uint8Array): Bytes {
  const view = new DataView(run.buffer, run.byteOffset, run.length);
  const out = new Uint8Array(run.length);
  const written = new DataView(out.buffer);
  for (let at = 0; at < run.length; at += G2_BYTES) {
    const words = [0, 1, 2, 3].map((word) => readWord(view, at + word * COORDINATE));
    const [xr, xi, yr, yi] = words as [bigint, bigint, bigint, bigint];
    if (words.some((word) => word >= P) || !isOnTwist([xr, xi], [yr, yi])) throw notOnTwist();
    for (const [word, value] of words.entries())
      writeWord(written, at + word * COORDINATE, (value * INVERSE_R) % P);
  }
  return out;
}

/** Y² · R = X³ + b · R³, where X and Y are R times the coordinates. */
function isOnTwist(x: Fp2, y: Fp2): boolean {
  const [squareR, squareI] = times(y, y);
  const [cubeR, cubeI] = times(times(x, x), x);
  return (squareR * R - cubeR - B_R3[0]) % P === 0n && (squareI * R - cubeI - B_R3[1]) % P === 0n;
}

function times([a, b]: Fp2, [c, d]: Fp2): Fp2 {
  return [(a * c - b * d) % P, (a * d + b * c) % P];
}

/**
 * Weights from 1 to 2^13 for as many combinations as it takes: where a run has a point outside the group, not all of its
 * combinations are in it. `seed`: not known when the points were made.
 */
export function groupWeights(seed: Uint8Array, count: number): Bytes[] {
  return Array.from({ length: COMBINATIONS }, (_, combination) => {
    const stream = shake256(concatBytes(seed, Uint8Array.of(combination)), { dkLen: 2 * count });
    const weights = new Uint8Array(count * SCALAR_BYTES);
    const view = new DataView(weights.buffer);
    for (let index = 0; index < count; index++) {
      const random = (stream[2 * index] as number) | ((stream[2 * index + 1] as number) << 8);
      view.setUint16(index * SCALAR_BYTES, 1 + (random & (2 ** WEIGHT_BITS - 1)), true);
    }
    return weights;
  });
}

function readWord(view: DataView, at: number): bigint {
  let value = 0n;
  for (let limb = LIMBS - 1; limb >= 0; limb--)
    value = (value << 64n) | view.getBigUint64(at + 8 * limb, true);
  return value;
}

function writeWord(view: DataView, at: number, value: bigint): void {
  let rest = value;
  for (let limb = 0; limb < LIMBS; limb++) {
    view.setBigUint64(at + 8 * limb, rest, true);
    rest >>= 64n;
  }
}

/** As the module says it of other points. */
function notOnTwist(): CodedError {
  return new CodedError({ code: "prover-refused", kind: "invalid", message: "The points are malformed." });
}
