import { SCALAR_FIELD_ORDER } from "@aios/core-zkml/scalar-field";
import { bn254 } from "@noble/curves/bn254.js";
import { type CeremonyEngine, isRefusal, provingKeyOf } from "./ceremony-engine.js";
import {
  beaconAfter,
  type CeremonyStart,
  type CeremonyStep,
  type CeremonyTranscript,
  contributionTo,
  invalidCeremony,
  lastDelta,
  verifySteps,
} from "./ceremony-transcript.js";
import {
  type CurveG1,
  type CurveG2,
  G1_GENERATOR,
  G2_GENERATOR,
  g1FromRun,
  g2FromRun,
  samePairing,
} from "./curve-points.js";
import { type KeyPoints, splitKeyPoints } from "./key-points.js";
import type { PowersOfTau } from "./powers-of-tau.js";
import { encodeProvingKey, type ProvingKey, provingKeyHash } from "./proving-key.js";

/** A ceremony as it is handed from one party to the next. */
export interface Ceremony {
  readonly transcript: CeremonyTranscript;
  readonly key: ProvingKey;
}

/** A ceremony that nobody has contributed to yet, on the first key that `CeremonyEngine.firstKey` made. */
export function openCeremony(firstKey: ProvingKey, powers: PowersOfTau): Ceremony {
  const start: CeremonyStart = {
    circuitDigest: firstKey.circuitDigest,
    powersHash: powers.hash,
    firstKeyHash: provingKeyHash(encodeProvingKey(firstKey)),
  };
  return { transcript: { start, powersContributors: powers.contributors, steps: [] }, key: firstKey };
}

/**
 * The ceremony with one more party in it. `name` is shown to everybody; `randomness` (32 fresh random bytes or more) is
 * to be forgotten: whoever knows those of all parties can forge. About 0.25 ms a point of the key's two queries.
 *
 * Throws `invalid-contributor-name`, `seed-too-short`, `ceremony-ended`, `ceremony-key-mismatch`.
 */
export async function contribute(
  engine: CeremonyEngine,
  { transcript, key }: Ceremony,
  name: string,
  randomness: Uint8Array,
): Promise<Ceremony> {
  const { step, secret } = contributionTo(transcript, name, randomness);
  return advance(engine, { transcript, key }, step, secret);
}

/** The ceremony ended by a public value that nobody could foresee. Throws as `beaconAfter`, `ceremony-key-mismatch`. */
export async function endWithBeacon(
  engine: CeremonyEngine,
  { transcript, key }: Ceremony,
  value: Uint8Array,
  iterationsExponent: number,
): Promise<Ceremony> {
  const { step, secret } = beaconAfter(transcript, value, iterationsExponent);
  return advance(engine, { transcript, key }, step, secret);
}

async function advance(
  engine: CeremonyEngine,
  { transcript, key }: Ceremony,
  step: CeremonyStep,
  secret: bigint,
): Promise<Ceremony> {
  const points = splitKeyPoints(key.points);
  if (!g1FromRun(points.deltaG1).equals(lastDelta(transcript))) throw keyMismatch("its delta is another one");
  const inverse = bn254.fields.Fr.inv(secret % SCALAR_FIELD_ORDER);
  const scaled = {
    deltaG1: await engine.scale("g1", points.deltaG1, secret),
    deltaG2: await engine.scale("g2", points.deltaG2, secret),
    quotientQuery: await engine.scale("g1", points.quotientQuery, inverse),
    privateQuery: await engine.scale("g1", points.privateQuery, inverse),
  };
  return {
    transcript: { ...transcript, steps: [...transcript.steps, step] },
    key: provingKeyOf(key.circuitDigest, { ...points, ...scaled }),
  };
}

/** The same in every key of a ceremony: contributions change delta and what is divided by it. */
const UNCHANGED = [
  "alphaG1",
  "betaG1",
  "betaG2",
  "gammaG2",
  "inputs",
  "aQuery",
  "bQueryG1",
  "bQueryG2",
] as const satisfies readonly (keyof KeyPoints)[];

/**
 * Checks a ceremony against its first key: the transcript is about it, each step's party knew its factor, and the key is
 * the first one with delta replaced by the last one, by random combinations and pairings. `firstKey` should come from
 * `CeremonyEngine.firstKey` for the circuit; `seed`: 32 fresh random bytes or more. Who contributed is what the
 * transcript says; whether these are different people nobody can compute.
 *
 * Throws `ceremony-start-mismatch`, `invalid-contribution` naming the step, `ceremony-key-mismatch`.
 */
export async function verifyCeremony(
  engine: CeremonyEngine,
  { transcript, key }: Ceremony,
  firstKey: ProvingKey,
  seed: Uint8Array,
): Promise<void> {
  const { start } = transcript;
  if (!equal(start.circuitDigest, firstKey.circuitDigest)) throw startMismatch("it is about another circuit");
  if (!equal(start.firstKeyHash, provingKeyHash(encodeProvingKey(firstKey))))
    throw startMismatch("it began with another key");
  const delta = verifySteps(transcript);
  if (!equal(key.circuitDigest, firstKey.circuitDigest)) throw keyMismatch("it is for another circuit");
  const [first, last] = [splitKeyPoints(firstKey.points), splitKeyPoints(key.points)];
  for (const name of UNCHANGED)
    if (!equal(first[name], last[name])) throw keyMismatch(`${name} differs from the first key's`);
  if (!g1FromRun(last.deltaG1).equals(delta)) throw keyMismatch("its delta is not the transcript's last");
  const deltaG2 = subgroupPoint(last.deltaG2);
  if (!samePairing(delta, G2_GENERATOR, G1_GENERATOR, deltaG2))
    throw keyMismatch("delta differs between the two groups");
  for (const name of ["quotientQuery", "privateQuery"] as const) {
    if (first[name].length !== last[name].length) throw keyMismatch(`${name} has another length`);
    // A circuit without private variables: nothing is divided.
    if (first[name].length === 0) continue;
    const [before, after] = [
      await combined(engine, first[name], seed),
      await combined(engine, last[name], seed),
    ];
    if (!samePairing(after, deltaG2, before, G2_GENERATOR))
      throw keyMismatch(`${name} is not the first key's divided by delta`);
  }
  const recomputed = provingKeyOf(key.circuitDigest, last);
  if (!equal(encodeProvingKey(recomputed), encodeProvingKey(key)))
    throw keyMismatch("its verifying key is not that of its points");
}

async function combined(engine: CeremonyEngine, points: Uint8Array, seed: Uint8Array): Promise<CurveG1> {
  try {
    return await engine.combination(points, seed);
  } catch (error) {
    throw isRefusal(error) ? keyMismatch("a point is not on the curve") : error;
  }
}

function subgroupPoint(run: Uint8Array): CurveG2 {
  const point = g2FromRun(run);
  try {
    point.assertValidity();
  } catch {
    throw keyMismatch("delta is not a point of the twisted curve");
  }
  if (!point.isTorsionFree()) throw keyMismatch("delta is outside the subgroup");
  return point;
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

function startMismatch(problem: string) {
  return invalidCeremony(
    "ceremony-start-mismatch",
    `This is the transcript of another ceremony: ${problem}.`,
    {
      problem,
    },
  );
}

function keyMismatch(problem: string) {
  return invalidCeremony("ceremony-key-mismatch", `The key does not follow from the ceremony: ${problem}.`, {
    problem,
  });
}
