import { CodedError } from "@aios/kernel/coded-error";

/** A run of uncompressed points, as arkworks writes them: coordinates little-endian, flags in the last byte's top bits. */
export type PointRun = Uint8Array;

export const G1_BYTES = 64;
export const G2_BYTES = 128;

/** The points of a proving key by what they are for; views of its bytes. */
export interface KeyPoints {
  readonly alphaG1: PointRun;
  readonly betaG1: PointRun;
  readonly deltaG1: PointRun;
  readonly betaG2: PointRun;
  readonly gammaG2: PointRun;
  readonly deltaG2: PointRun;
  /** Public inputs, the constant first. */
  readonly inputs: PointRun;
  /** One a variable. */
  readonly aQuery: PointRun;
  readonly bQueryG1: PointRun;
  readonly bQueryG2: PointRun;
  /** One a power of tau below the domain's size less one. */
  readonly quotientQuery: PointRun;
  /** One a private variable. */
  readonly privateQuery: PointRun;
}

function malformed(): CodedError {
  return new CodedError({
    code: "malformed-proving-key",
    kind: "invalid",
    message: "The proving key is cut short or too long.",
  });
}

/**
 * Splits a proving key's points (ark-groth16 0.6, uncompressed: each query with a 64-bit count before it). Nothing is
 * copied and no point is checked. Throws `malformed-proving-key`.
 */
export function splitKeyPoints(points: Uint8Array): KeyPoints {
  const view = new DataView(points.buffer, points.byteOffset, points.length);
  let at = 0;
  const take = (bytes: number): PointRun => {
    if (bytes > points.length - at) throw malformed();
    at += bytes;
    return points.subarray(at - bytes, at);
  };
  const run = (size: number): PointRun => {
    take(8);
    const count = view.getBigUint64(at - 8, true);
    if (count > BigInt(points.length)) throw malformed();
    return take(Number(count) * size);
  };
  const [alphaG1, betaG2, gammaG2, deltaG2] = [
    take(G1_BYTES),
    take(G2_BYTES),
    take(G2_BYTES),
    take(G2_BYTES),
  ];
  const inputs = run(G1_BYTES);
  const [betaG1, deltaG1] = [take(G1_BYTES), take(G1_BYTES)];
  const [aQuery, bQueryG1, bQueryG2] = [run(G1_BYTES), run(G1_BYTES), run(G2_BYTES)];
  const [quotientQuery, privateQuery] = [run(G1_BYTES), run(G1_BYTES)];
  if (at !== points.length) throw malformed();
  return {
    alphaG1,
    betaG1,
    deltaG1,
    betaG2,
    gammaG2,
    deltaG2,
    inputs,
    aQuery,
    bQueryG1,
    bQueryG2,
    quotientQuery,
    privateQuery,
  };
}

/** Inverse of `splitKeyPoints`. */
export function joinKeyPoints(key: KeyPoints): Uint8Array<ArrayBuffer> {
  const run = (points: PointRun, size: number): Uint8Array => {
    const counted = new Uint8Array(8 + points.length);
    new DataView(counted.buffer).setBigUint64(0, BigInt(points.length / size), true);
    counted.set(points, 8);
    return counted;
  };
  return concatBytes(
    ...[key.alphaG1, key.betaG2, key.gammaG2, key.deltaG2, run(key.inputs, G1_BYTES)],
    ...[key.betaG1, key.deltaG1, run(key.aQuery, G1_BYTES), run(key.bQueryG1, G1_BYTES)],
    ...[run(key.bQueryG2, G2_BYTES), run(key.quotientQuery, G1_BYTES), run(key.privateQuery, G1_BYTES)],
  );
}

export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
