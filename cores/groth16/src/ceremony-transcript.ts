import { CodedError } from "@aios/kernel/coded-error";
import { bn254 } from "@noble/curves/bn254.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { type CurveG1, G1_GENERATOR, plainG1 } from "./curve-points.js";
import { deriveScalars, hashToScalar } from "./derived-scalars.js";
import { concatBytes } from "./key-points.js";
import { BASE_FIELD_ORDER, encodeWords, type G1Point } from "./points.js";

/** What a ceremony starts from. All hashes are SHA-256. */
export interface CeremonyStart {
  readonly circuitDigest: Uint8Array;
  readonly powersHash: Uint8Array;
  /** Of the encoded first key. */
  readonly firstKeyHash: Uint8Array;
}

/** Knowledge of the discrete logarithm of `deltaAfter` to the base `deltaBefore` (Schnorr, made non-interactive). */
export interface ContributionProof {
  readonly commitment: G1Point;
  readonly response: bigint;
}

/** One party's step: delta was multiplied by a secret that the party knew and has forgotten since. */
export interface Contribution {
  readonly kind: "contribution";
  /** How the party calls itself: 1 to 64 characters; nobody checks it. */
  readonly name: string;
  readonly delta: G1Point;
  readonly proof: ContributionProof;
}

/** A last step with a value that nobody could foresee, known to everybody; it protects by itself nothing. */
export interface Beacon {
  readonly kind: "beacon";
  /** 16 to 64 bytes, published after the last contribution: a block hash, a lottery. */
  readonly value: Uint8Array;
  /** SHA-256 is applied 2^this times. */
  readonly iterationsExponent: number;
  readonly delta: G1Point;
}

export type CeremonyStep = Contribution | Beacon;

/** Everything that is public of a ceremony but the key itself. */
export interface CeremonyTranscript {
  readonly start: CeremonyStart;
  /** How the contributors of the powers of tau called themselves. */
  readonly powersContributors: readonly string[];
  readonly steps: readonly CeremonyStep[];
}

export const MAX_STEPS = 1_000;
const MAX_ITERATIONS_EXPONENT = 24;
const { Fr } = bn254.fields;
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

export function invalidCeremony(
  code: string,
  message: string,
  details: Record<string, unknown> = {},
): CodedError {
  return new CodedError({ code, kind: "unprocessable", message, details });
}

function badStep(index: number, name: string, problem: string): CodedError {
  return invalidCeremony(
    "invalid-contribution",
    `Step ${index + 1} of the ceremony (${name}) is not valid: ${problem}.`,
    { step: index + 1, name, problem },
  );
}

function nameOf(step: CeremonyStep): string {
  return step.kind === "beacon" ? "beacon" : step.name;
}

function pointOf(point: G1Point): CurveG1 | undefined {
  if ([point.x, point.y].some((value) => value < 0n || value >= BASE_FIELD_ORDER)) return undefined;
  const made = bn254.G1.Point.fromAffine(point);
  try {
    made.assertValidity();
  } catch {
    return undefined;
  }
  return made.is0() ? undefined : made;
}

function startHash({ circuitDigest, powersHash, firstKeyHash }: CeremonyStart): Uint8Array {
  return sha256(concatBytes(text("aios/ceremony/1/start"), circuitDigest, powersHash, firstKeyHash));
}

/** Each step's hash covers all before it. */
function stepHash(before: Uint8Array, step: CeremonyStep): Uint8Array {
  const own =
    step.kind === "beacon"
      ? concatBytes(text("beacon/"), Uint8Array.of(step.iterationsExponent, step.value.length), step.value)
      : concatBytes(
          text("contribution/"),
          sha256(text(step.name)),
          encodeWords([step.proof.commitment]),
          scalarBytes(step.proof.response),
        );
  return sha256(concatBytes(before, own, encodeWords([step.delta])));
}

function scalarBytes(value: bigint): Uint8Array {
  return encodeWords([{ x: value, y: 0n }]).slice(0, 32);
}

/** What the proof's challenge absorbs: the whole transcript so far, the name, both deltas and the commitment. */
function challenge(
  before: Uint8Array,
  name: string,
  deltas: readonly [CurveG1, CurveG1],
  commitment: CurveG1,
): bigint {
  const points = encodeWords([...deltas, commitment].map(plainG1));
  return hashToScalar(text("aios/ceremony/1/knowledge"), before, sha256(text(name)), points);
}

/** SHA-256 over start and every step: what a publication names. 32 bytes. */
export function transcriptHash({ start, steps }: CeremonyTranscript): Uint8Array {
  return steps.reduce(stepHash, startHash(start));
}

/** The delta of the last step, the generator before the first. Throws `invalid-contribution`. */
export function lastDelta({ steps }: CeremonyTranscript): CurveG1 {
  const last = steps.at(-1);
  if (last === undefined) return G1_GENERATOR;
  const delta = pointOf(last.delta);
  if (delta === undefined)
    throw badStep(steps.length - 1, nameOf(last), "its delta is not a point of the curve");
  return delta;
}

export function assertName(name: string): void {
  if (name.trim() === "" || name.length > 64 || /\p{C}/u.test(name))
    throw new CodedError({
      code: "invalid-contributor-name",
      kind: "invalid",
      message: "A contributor's name must have 1 to 64 printable characters.",
      field: "name",
    });
}

/**
 * The next step of a ceremony with a secret from `randomness` (32 fresh random bytes or more; forget them). Answers the
 * step and the secret that delta is multiplied by. Throws `invalid-contributor-name`, `seed-too-short`,
 * `ceremony-ended` after a beacon.
 */
export function contributionTo(
  transcript: CeremonyTranscript,
  name: string,
  randomness: Uint8Array,
): { readonly step: Contribution; readonly secret: bigint } {
  assertName(name);
  assertOpen(transcript);
  const [secret, nonce] = deriveScalars(randomness, ["ceremony/delta", "ceremony/nonce"]) as [bigint, bigint];
  const before = lastDelta(transcript);
  const after = before.multiply(secret);
  const commitment = before.multiply(nonce);
  const c = challenge(transcriptHash(transcript), name, [before, after], commitment);
  const proof = { commitment: plainG1(commitment), response: Fr.create(nonce + c * secret) };
  return { step: { kind: "contribution", name, delta: plainG1(after), proof }, secret };
}

function beaconSecret(value: Uint8Array, iterationsExponent: number): bigint {
  let digest = sha256(concatBytes(text("aios/ceremony/1/beacon"), value));
  for (let left = 2 ** iterationsExponent; left > 0; left--) digest = sha256(digest);
  return hashToScalar(text("aios/ceremony/1/beacon-delta"), digest);
}

/**
 * The last step, with a public value. Takes 2^iterationsExponent hashes, at most 2^24 (about 10 s). Throws
 * `invalid-beacon`, `ceremony-ended`.
 */
export function beaconAfter(
  transcript: CeremonyTranscript,
  value: Uint8Array,
  iterationsExponent: number,
): { readonly step: Beacon; readonly secret: bigint } {
  assertOpen(transcript);
  if (!isBeacon(value, iterationsExponent))
    throw new CodedError({
      code: "invalid-beacon",
      kind: "invalid",
      message: `A beacon has 16 to 64 bytes and 0 to ${MAX_ITERATIONS_EXPONENT} as the exponent of its iterations.`,
    });
  const secret = beaconSecret(value, iterationsExponent);
  const delta = plainG1(lastDelta(transcript).multiply(secret));
  return { step: { kind: "beacon", value, iterationsExponent, delta }, secret };
}

function isBeacon(value: Uint8Array, exponent: number): boolean {
  const isCount = Number.isInteger(exponent) && exponent >= 0 && exponent <= MAX_ITERATIONS_EXPONENT;
  return value.length >= 16 && value.length <= 64 && isCount;
}

function assertOpen({ steps }: CeremonyTranscript): void {
  if (steps.at(-1)?.kind === "beacon")
    throw invalidCeremony("ceremony-ended", "A beacon has ended this ceremony; nothing can be added.");
  if (steps.length >= MAX_STEPS)
    throw invalidCeremony("ceremony-ended", `A ceremony has at most ${MAX_STEPS} steps.`);
}

/**
 * Checks every step: that each party knew the factor by which it changed delta, given all before it, and that a beacon,
 * if any, is the last step and what its value gives. Answers the last delta. About 3 ms a step. Throws
 * `invalid-contribution` naming the step.
 */
export function verifySteps(transcript: CeremonyTranscript): CurveG1 {
  const { start, steps } = transcript;
  if (steps.length > MAX_STEPS)
    throw invalidCeremony("ceremony-ended", `It has more than ${MAX_STEPS} steps.`);
  let hash = startHash(start);
  let before = G1_GENERATOR;
  for (const [index, step] of steps.entries()) {
    const refuse = (problem: string): CodedError => badStep(index, nameOf(step), problem);
    const after = pointOf(step.delta);
    if (after === undefined) throw refuse("its delta is not a point of the curve");
    if (step.kind === "beacon") {
      if (index !== steps.length - 1) throw refuse("something follows the beacon");
      if (!isBeacon(step.value, step.iterationsExponent)) throw refuse("the beacon is malformed");
      const expected = before.multiply(beaconSecret(step.value, step.iterationsExponent));
      if (!after.equals(expected)) throw refuse("its delta does not follow from the beacon");
    } else {
      assertName(step.name);
      assertKnowledge(hash, step, before, after, refuse);
    }
    hash = stepHash(hash, step);
    before = after;
  }
  return before;
}

function assertKnowledge(
  hash: Uint8Array,
  { name, proof }: Contribution,
  before: CurveG1,
  after: CurveG1,
  refuse: (problem: string) => CodedError,
): void {
  const commitment = pointOf(proof.commitment);
  if (commitment === undefined) throw refuse("its proof is malformed");
  if (proof.response <= 0n || proof.response >= Fr.ORDER) throw refuse("its proof is malformed");
  if (after.equals(before)) throw refuse("it changes nothing");
  const c = challenge(hash, name, [before, after], commitment);
  if (!before.multiply(proof.response).equals(commitment.add(after.multiplyUnsafe(c))))
    throw refuse("it does not show that its contributor knew the change");
}
