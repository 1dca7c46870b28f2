import { CodedError } from "@aios/kernel/coded-error";

/** Prime of BN254's base field (EIP-196). */
export const BASE_FIELD_ORDER =
  21888242871839275222246405745257275088696311157297823662689037894645226208583n;

/** Affine point over the base field; infinity has no place in keys and proofs. */
export interface G1Point {
  readonly x: bigint;
  readonly y: bigint;
}

/** real + imaginary · i, i² = −1. */
export interface Fp2 {
  readonly real: bigint;
  readonly imaginary: bigint;
}

/** Affine point on the twist. */
export interface G2Point {
  readonly x: Fp2;
  readonly y: Fp2;
}

export interface VerifyingKey {
  readonly alpha: G1Point;
  readonly beta: G2Point;
  readonly gamma: G2Point;
  readonly delta: G2Point;
  /** One for the constant, then one a public input. */
  readonly ic: readonly G1Point[];
}

export interface Proof {
  readonly a: G1Point;
  readonly b: G2Point;
  readonly c: G1Point;
}

export const WORD_BYTES = 32;

export function malformed(what: "proof" | "verifying-key" | "evidence", problem: string): CodedError {
  return new CodedError({
    code: `malformed-${what}`,
    kind: "invalid",
    message: `These bytes are not a valid ${what.replace("-", " ")}: ${problem}.`,
    details: { problem },
  });
}

/** Reads 32-byte big-endian words that must be canonical base field elements. */
export class WordReader {
  #at = 0;

  constructor(
    private readonly bytes: Uint8Array,
    private readonly what: "proof" | "verifying-key",
  ) {}

  #coordinate(): bigint {
    let value = 0n;
    for (const byte of this.bytes.subarray(this.#at, this.#at + WORD_BYTES))
      value = (value << 8n) | BigInt(byte);
    this.#at += WORD_BYTES;
    if (value >= BASE_FIELD_ORDER) throw malformed(this.what, "a coordinate is not below the field's prime");
    return value;
  }

  g1(): G1Point {
    return { x: this.#coordinate(), y: this.#coordinate() };
  }

  g2(): G2Point {
    const [xi, xr, yi, yr] = [this.#coordinate(), this.#coordinate(), this.#coordinate(), this.#coordinate()];
    return { x: { real: xr, imaginary: xi }, y: { real: yr, imaginary: yi } };
  }
}

/** Words of points in the order of EIP-196 and EIP-197: imaginary before real. */
export function encodeWords(points: readonly (G1Point | G2Point)[]): Uint8Array {
  const words = points.flatMap((point) =>
    typeof point.x === "bigint"
      ? [point.x, (point as G1Point).y]
      : [
          (point as G2Point).x.imaginary,
          (point as G2Point).x.real,
          (point as G2Point).y.imaginary,
          (point as G2Point).y.real,
        ],
  );
  const out = new Uint8Array(words.length * WORD_BYTES);
  for (const [index, word] of words.entries()) {
    let rest = word;
    for (let at = (index + 1) * WORD_BYTES - 1; at >= index * WORD_BYTES; at--) {
      out[at] = Number(rest & 0xffn);
      rest >>= 8n;
    }
  }
  return out;
}
