import type { R1cs } from "@aios/core-zkml/r1cs";
import { CodedError } from "@aios/kernel/coded-error";
import { shake256 } from "@noble/hashes/sha3.js";
import { type CeremonyJob, CeremonyThreads } from "./ceremony-threads.js";
import { circuitDigest, encodeCircuit, encodeScalars } from "./circuit-encoding.js";
import {
  type CurveG1,
  G1_GENERATOR,
  G1_ZERO,
  G2_GENERATOR,
  g1FromRun,
  g1ToRun,
  g2FromRun,
  g2ToRun,
  plainG1,
  plainG2,
  samePairing,
} from "./curve-points.js";
import {
  type ConsistencySums,
  checkPowers,
  chunksOf,
  type FirstKeyPoints,
  firstKeyPoints,
} from "./first-key.js";
import { concatBytes, G1_BYTES, G2_BYTES, joinKeyPoints, type KeyPoints } from "./key-points.js";
import { developmentPowers, malformedPowers, type PowersOfTau, powersFor } from "./powers-of-tau.js";
import type { PointGroup } from "./prover-messages.js";
import type { CallOptions } from "./prover-thread-port.js";
import type { ProvingKey } from "./proving-key.js";

type Bytes = Uint8Array<ArrayBuffer>;

const SCALAR_BYTES = 32;
/** Bytes of a random weight: the chance that an inconsistent run passes is 2^-128. */
const WEIGHT_BYTES = 16;
/** Points of G1 that a thread takes at a time: a second or so of work. */
const CHUNK = 4_096;
/** As `CHUNK`, of a sum: larger ones cost less a point. */
const COMBINED = 32_768;
/** Of a first key's time, what checking the powers takes; about. */
const CHECKED_SHARE = 0.5;
const SEED_BYTES = 32;

/** `count` weights of 128 bits from a seed that was not known when the points were made. */
function weightsFrom(seed: Uint8Array, count: number): Bytes {
  if (seed.length < SEED_BYTES)
    throw new CodedError({
      code: "seed-too-short",
      kind: "invalid",
      message: `A seed needs at least ${SEED_BYTES} random bytes.`,
    });
  const stream = shake256(seed, { dkLen: count * WEIGHT_BYTES });
  const out = new Uint8Array(count * SCALAR_BYTES);
  for (let index = 0; index < count; index++)
    out.set(stream.subarray(index * WEIGHT_BYTES, (index + 1) * WEIGHT_BYTES), index * SCALAR_BYTES);
  return out;
}

/** The heavy part of a ceremony, in threads of its own: sums and multiples of tens of thousands of points. */
export class CeremonyEngine {
  readonly #threads: CeremonyThreads;

  constructor(options: { readonly threads?: number } = {}) {
    this.#threads = new CeremonyThreads(options.threads ?? 1);
  }

  /**
   * The first key of a circuit from powers of tau: gamma and delta are one, so that it proves nothing to anybody until
   * somebody contributes. Every point used is checked (curve, subgroup), and so is by random combinations and pairings
   * that they are powers of one tau, and multiples by one alpha and one beta. `seed`: 32 fresh random bytes or more for
   * these combinations; the key does not depend on it. Takes about 0.3 ms a constraint.
   *
   * Throws `powers-of-tau-too-small`, `malformed-powers-of-tau`, `development-powers-of-tau`, `seed-too-short`.
   */
  async firstKey(
    r1cs: R1cs,
    powersOfTau: PowersOfTau,
    seed: Uint8Array,
    options: CallOptions = {},
  ): Promise<ProvingKey> {
    const publics = r1cs.publicInputs + 1;
    const powers = powersFor(powersOfTau, r1cs.constraints + publics);
    const weights = weightsFrom(seed, 2 * powers.size);
    const circuit = encodeCircuit(r1cs);
    const digest = circuitDigest(circuit);
    const { signal, onProgress } = options;
    const own = signal === undefined ? {} : { signal };
    const checked = await checkPowers(this.#threads, powers, seed, own).catch((error: unknown) => {
      throw isRefusal(error) ? malformedPowers("a point is not in the curve's group of prime order") : error;
    });
    onProgress?.(CHECKED_SHARE);
    const toKey = { circuit, constraints: r1cs.constraints, size: powers.size };
    const { points: made, sums } = await firstKeyPoints(this.#threads, toKey, checked, weights, own);
    const { combined, ...points } = made;
    assertConsistent(points, sums, powers.size);
    onProgress?.(1);
    return provingKeyOf(digest, {
      ...points,
      deltaG1: g1ToRun(G1_GENERATOR),
      gammaG2: g2ToRun(G2_GENERATOR),
      deltaG2: g2ToRun(G2_GENERATOR),
      inputs: combined.subarray(0, publics * G1_BYTES),
      privateQuery: combined.subarray(publics * G1_BYTES),
    });
  }

  /** Every point of a run times `scalar`. Throws `prover-refused` for points that are none. */
  async scale(group: PointGroup, points: Uint8Array, scalar: bigint): Promise<Bytes> {
    const bytes = CHUNK * (group === "g1" ? G1_BYTES : G2_BYTES);
    const jobs = chunksOf(points, bytes).map(
      (chunk): CeremonyJob => ({
        request: { kind: "scale", group, points: chunk, scalar: encodeScalars([scalar]) },
        moved: [chunk.buffer],
      }),
    );
    return concatBytes(...(await this.#threads.share(jobs, {})));
  }

  /** A combination of a run of G1 with weights from `seed`; at infinity for an empty one. Throws `prover-refused` for points that are none. */
  async combination(points: Uint8Array, seed: Uint8Array): Promise<CurveG1> {
    const weights = chunksOf(weightsFrom(seed, points.length / G1_BYTES), COMBINED * SCALAR_BYTES);
    const jobs = chunksOf(points, COMBINED * G1_BYTES).map((chunk, at): CeremonyJob => {
      const own = weights[at] as Bytes;
      return {
        request: { kind: "checked-sum", points: chunk, weights: own },
        moved: [chunk.buffer, own.buffer],
      };
    });
    const sums = await this.#threads.share(jobs, {});
    return sums.map(g1FromRun).reduce((total, sum) => total.add(sum), G1_ZERO);
  }

  close(): Promise<void> {
    return this.#threads.close();
  }
}

/** Whether the module refused what it was given, as it does points that are none. */
export function isRefusal(error: unknown): boolean {
  return error instanceof CodedError && error.code === "prover-refused";
}

/** The key with these points. */
export function provingKeyOf(digest: Uint8Array, points: KeyPoints): ProvingKey {
  const inputs = Array.from({ length: points.inputs.length / G1_BYTES }, (_, index) =>
    plainG1(g1FromRun(points.inputs.subarray(index * G1_BYTES, (index + 1) * G1_BYTES))),
  );
  const verifyingKey = {
    alpha: plainG1(g1FromRun(points.alphaG1)),
    beta: plainG2(g2FromRun(points.betaG2)),
    gamma: plainG2(g2FromRun(points.gammaG2)),
    delta: plainG2(g2FromRun(points.deltaG2)),
    ic: inputs,
  };
  return { circuitDigest: digest, verifyingKey, points: joinKeyPoints(points) };
}

/**
 * The pairing checks over the module's sums: tau's powers by tau in G2, alpha's multiples of them likewise, the Lagrange
 * points by interpolating the weights, beta's multiples by beta in G2.
 */
function assertConsistent(
  points: Pick<FirstKeyPoints, "alphaG1" | "betaG1" | "betaG2">,
  sums: ConsistencySums,
  size: number,
): void {
  const [tau, tauG2] = [g1FromRun(sums.tau), g2FromRun(sums.tauG2)];
  const [alpha, beta, betaG2] = [
    g1FromRun(points.alphaG1),
    g1FromRun(points.betaG1),
    g2FromRun(points.betaG2),
  ];
  const lagrange = g1FromRun(sums.lagrange);
  const sum = (name: "tauLow" | "tauHigh" | "alphaLow" | "alphaHigh" | "betaLagrange"): CurveG1 =>
    g1FromRun(sums[name]);
  const equal = (a: Uint8Array, b: Uint8Array): boolean => g1FromRun(a).equals(g1FromRun(b));
  // What every file starts with before anybody contributes.
  if ([tau, alpha, beta].some((point) => point.equals(G1_GENERATOR))) throw developmentPowers();
  const checks: readonly (readonly [holds: () => boolean, problem: string])[] = [
    [() => g1FromRun(sums.one).equals(G1_GENERATOR), "its first power of tau is not the generator"],
    [() => samePairing(tau, G2_GENERATOR, G1_GENERATOR, tauG2), "tau differs between the two groups"],
    [() => samePairing(beta, G2_GENERATOR, G1_GENERATOR, betaG2), "beta differs between the two groups"],
    [
      () => samePairing(sum("tauHigh"), G2_GENERATOR, sum("tauLow"), tauG2),
      "its powers are not powers of one tau",
    ],
    [
      () => samePairing(sum("alphaHigh"), G2_GENERATOR, sum("alphaLow"), tauG2),
      "alpha's multiples are not of powers of the same tau",
    ],
    [
      () => equal(sums.lagrange, sums.lagrangeByPowers),
      `its Lagrange points of ${size} elements do not follow from its powers`,
    ],
    [
      () => equal(sums.alphaLagrange, sums.alphaLagrangeByPowers),
      "alpha's Lagrange points do not follow from its powers",
    ],
    [
      () => samePairing(sum("betaLagrange"), G2_GENERATOR, lagrange, betaG2),
      "beta's Lagrange points do not follow from its powers",
    ],
    [
      () => samePairing(lagrange, G2_GENERATOR, G1_GENERATOR, g2FromRun(sums.lagrangeG2)),
      "its Lagrange points differ between the two groups",
    ],
  ];
  for (const [holds, problem] of checks) if (!holds()) throw malformedPowers(problem);
}
