import { shake256 } from "@noble/hashes/sha3.js";
import type { CeremonyJob, CeremonyThreads } from "./ceremony-threads.js";
import { concatBytes, G1_BYTES, G2_BYTES } from "./key-points.js";
import type { CircuitPowers } from "./powers-of-tau.js";
import type { PointGroup, ProverRequest } from "./prover-messages.js";
import type { CallOptions } from "./prover-thread-port.js";

type Bytes = Uint8Array<ArrayBuffer>;

const SCALAR_BYTES = 32;
const SEED_BYTES = 32;
/** Points that are checked at a time. */
const CHUNK = 32_768;
/** Fewer points of G2 are looked at one by one. */
const MANY_POINTS = 256;

/** Runs of points of a circuit's first key, whose gamma and delta are one. */
export interface FirstKeyPoints {
  readonly alphaG1: Bytes;
  readonly betaG1: Bytes;
  readonly betaG2: Bytes;
  readonly aQuery: Bytes;
  readonly bQueryG1: Bytes;
  readonly bQueryG2: Bytes;
  /** Of every variable: inputs, then private ones. */
  readonly combined: Bytes;
  readonly quotientQuery: Bytes;
}

/** Single points; `sum` is by the request's weights. */
export interface ConsistencySums {
  /** tau^0, tau^1, and tau^1 in G2. */
  readonly one: Bytes;
  readonly tau: Bytes;
  readonly tauG2: Bytes;
  /** Over all powers but the last, and over all but the first. */
  readonly tauLow: Bytes;
  readonly tauHigh: Bytes;
  readonly alphaLow: Bytes;
  readonly alphaHigh: Bytes;
  /** Over the Lagrange points, and over the powers by the interpolated weights. */
  readonly lagrange: Bytes;
  readonly lagrangeByPowers: Bytes;
  readonly alphaLagrange: Bytes;
  readonly alphaLagrangeByPowers: Bytes;
  readonly betaLagrange: Bytes;
  readonly lagrangeG2: Bytes;
}

/** A circuit as the module reads it, and the elements of its domain. */
export interface CircuitToKey {
  readonly circuit: Bytes;
  readonly constraints: number;
  readonly size: number;
}

type PowersRun = Exclude<keyof CircuitPowers, "size">;
/** The costly ones first, so that no thread ends long before another. */
const GROUPS: Readonly<Record<PowersRun, PointGroup>> = {
  lagrangeG2: "g2",
  tau: "g1",
  alphaTau: "g1",
  lagrange: "g1",
  alphaLagrange: "g1",
  betaLagrange: "g1",
  tauG2: "g2",
  betaG2: "g2",
  betaG1: "g1",
};
export type CheckedPowers = Readonly<Record<PowersRun, Bytes>>;
const BYTES = { g1: G1_BYTES, g2: G2_BYTES } as const;

/**
 * Every point of the powers, checked: on the curve, in the group, not at infinity. `seed`: nobody knew it when the powers were
 * made. Throws `prover-refused`.
 */
export async function checkPowers(
  threads: CeremonyThreads,
  powers: CircuitPowers,
  seed: Uint8Array,
  options: CallOptions,
): Promise<CheckedPowers> {
  const runs = Object.keys(GROUPS) as PowersRun[];
  const chunks = runs.flatMap((run) => {
    const group = GROUPS[run];
    return chunksOf(powers[run], CHUNK * BYTES[group]).map((points) => ({ run, group, points }));
  });
  const jobs = chunks.map(({ group, points }, at): CeremonyJob => {
    const isMany = group === "g2" && points.length >= MANY_POINTS * G2_BYTES;
    const own = shake256(concatBytes(seed, Uint8Array.of(at & 255, at >> 8)), { dkLen: SEED_BYTES }) as Bytes;
    return {
      request: isMany
        ? { kind: "check-twist-powers", points, seed: own }
        : { kind: "check-powers", group, points },
      moved: [points.buffer],
    };
  });
  const checked = await threads.share(jobs, options);
  const of = (run: PowersRun): Bytes => concatBytes(...checked.filter((_, at) => chunks[at]?.run === run));
  return Object.fromEntries(runs.map((run) => [run, of(run)])) as CheckedPowers;
}

/** Copies of a run's parts, each of at most so many bytes: not by `slice`, which of Node's buffers gives views. */
export function chunksOf(run: Uint8Array, bytes: number): Bytes[] {
  return Array.from(
    { length: Math.ceil(run.length / bytes) },
    (_, at) => new Uint8Array(run.subarray(at * bytes, (at + 1) * bytes)),
  );
}

/**
 * The points of the circuit's first key from checked powers, and the sums that the powers' consistency is checked by.
 * `weights`: as many as there are powers, less one; the key does not depend on them.
 */
export function firstKeyPoints(
  threads: CeremonyThreads,
  circuit: CircuitToKey,
  checked: CheckedPowers,
  weights: Uint8Array,
  options: CallOptions,
): Promise<{ readonly points: FirstKeyPoints; readonly sums: ConsistencySums }> {
  return withCircuit(threads, circuit, options, async (keys) => {
    const [coefficients] = await threads.share(
      [{ request: { kind: "interpolate", values: firstWeights(weights, circuit.size) } }],
      options,
    );
    const jobs = jobsOf(keys, circuit.size, checked, weights, coefficients as Bytes);
    const results = await threads.share(Object.values(jobs), options);
    const made = Object.fromEntries(Object.keys(jobs).map((name, at) => [name, results[at]])) as Record<
      keyof typeof jobs,
      Bytes
    >;
    const [products] = await threads.share([{ request: addition(made.aByBeta, made.bByAlpha) }], options);
    const [combined] = await threads.share([{ request: addition(products as Bytes, made.cQuery) }], options);
    const { tau, tauG2, alphaTau, betaG1, betaG2 } = checked;
    return {
      points: { ...made, alphaG1: cut(alphaTau, 0, 1), betaG1, betaG2, combined: combined as Bytes },
      sums: { ...made, one: cut(tau, 0, 1), tau: cut(tau, 1, 2), tauG2 },
    };
  });
}

function firstWeights(weights: Uint8Array, count: number): Bytes {
  return weights.slice(0, count * SCALAR_BYTES) as Bytes;
}

function cut(run: Bytes, from: number, to: number): Bytes {
  return run.slice(from * G1_BYTES, to * G1_BYTES) as Bytes;
}

/** The costly ones first. */
function jobsOf(
  keys: readonly string[],
  size: number,
  checked: CheckedPowers,
  weights: Uint8Array,
  coefficients: Bytes,
) {
  const { tau, alphaTau, lagrange, alphaLagrange, betaLagrange, lagrangeG2 } = checked;
  const combine = (matrix: 0 | 1 | 2, points: Bytes, group: PointGroup = "g1"): CeremonyJob => ({
    request: (thread) => ({ kind: "combine", key: keys[thread] as string, matrix, group, points }),
  });
  // Parts are copied when their thread takes them: all at once would be the powers several times over.
  const sum = (points: Bytes | (() => Bytes), by: Bytes, group: PointGroup = "g1"): CeremonyJob => ({
    request: () => ({
      kind: "sum-points",
      group,
      points: typeof points === "function" ? points() : points,
      weights: by,
    }),
  });
  const [all, most, tail] = [2 * size - 2, size, size - 1].map((count) => firstWeights(weights, count)) as [
    Bytes,
    Bytes,
    Bytes,
  ];
  return {
    bQueryG2: combine(1, lagrangeG2, "g2"),
    aQuery: combine(0, lagrange),
    aByBeta: combine(0, betaLagrange),
    cQuery: combine(2, lagrange),
    bQueryG1: combine(1, lagrange),
    bByAlpha: combine(1, alphaLagrange),
    lagrangeG2: sum(lagrangeG2, most, "g2"),
    tauLow: sum(() => cut(tau, 0, 2 * size - 2), all),
    tauHigh: sum(() => cut(tau, 1, 2 * size - 1), all),
    lagrangeByPowers: sum(() => cut(tau, 0, size), coefficients),
    alphaLagrangeByPowers: sum(alphaTau, coefficients),
    alphaLow: sum(() => cut(alphaTau, 0, size - 1), tail),
    alphaHigh: sum(() => cut(alphaTau, 1, size), tail),
    lagrange: sum(lagrange, most),
    alphaLagrange: sum(alphaLagrange, most),
    betaLagrange: sum(betaLagrange, most),
    // tau^i · Z(tau) = tau^(i + size) − tau^i, the quotient's coefficients being monomial.
    quotientQuery: {
      request: () => addition(cut(tau, size, 2 * size - 1), cut(tau, 0, size - 1), true),
    } satisfies CeremonyJob,
  };
}

function addition(left: Bytes, right: Bytes, negate = false): ProverRequest {
  return { kind: "add-points", left, right, negate };
}

/** Works with the circuit loaded in every thread, under a name of the thread's own. */
async function withCircuit<T>(
  threads: CeremonyThreads,
  { circuit, constraints }: CircuitToKey,
  options: CallOptions,
  work: (keys: readonly string[]) => Promise<T>,
): Promise<T> {
  const points = { g1: [], g2: new Uint8Array(0) };
  const loaded = await threads.each(() => ({ kind: "load", circuit, constraints, points }), options);
  const keys = loaded.map((result) => {
    if (result.kind !== "loaded") throw new TypeError("the prover answered another question");
    return result.key;
  });
  try {
    return await work(keys);
  } finally {
    // Also where the caller gave up; a thread that ended has nothing to unload, and why it did is what is thrown.
    await threads
      .each((thread) => ({ kind: "unload", key: keys[thread] as string }), {})
      .catch(() => undefined);
  }
}
