import { bn254 } from "@noble/curves/bn254.js";
import { type CeremonyTranscript, invalidCeremony, verifySteps } from "./ceremony-transcript.js";
import { G1_GENERATOR, G2_GENERATOR, samePairing } from "./curve-points.js";
import type { VerifyingKey } from "./points.js";

/** Fewer contributors than this are somebody whom one has to trust. */
export const FEWEST_CONTRIBUTORS = 2;

/** What `isKeyOfTranscript` leaves open, as a sentence for those who rely on it. */
export const KEY_POINTS_UNCHECKED =
  "That the key's other points follow from the model's circuit and the powers of tau: not checked here. Who has model and key checks it with `aios ceremony verify --model --powers`.";

/** How those whose secrets together would forge call themselves, once each, in order. Nobody checks these names. */
export function contributorsOf({ steps }: CeremonyTranscript): readonly string[] {
  return [...new Set(steps.flatMap((step) => (step.kind === "contribution" ? [step.name] : [])))];
}

/**
 * What must be trusted of a key from this ceremony, in words for everybody who sees it or its proofs. The ceremony must
 * have been verified. Throws `too-few-contributors` where fewer than two names contributed: two may still be one party.
 */
export function ceremonyTrust(transcript: CeremonyTranscript): string {
  const names = contributorsOf(transcript);
  if (names.length < FEWEST_CONTRIBUTORS) {
    const who = names[0] === undefined ? "anybody" : `${names[0]} alone`;
    throw invalidCeremony(
      "too-few-contributors",
      `${who} can forge proofs for this key: a ceremony needs ${FEWEST_CONTRIBUTORS} contributors or more.`,
      { contributors: names.length },
    );
  }
  const hash = Array.from(transcript.start.powersHash.subarray(0, 8), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
  return `forgeable by whoever calls themselves ${names.join(" and ")}, possibly one party, together, or by all who made the powers of tau ${hash}…`;
}

/**
 * Whether the transcript's last delta is the key's: what can be seen of a key's origin without the proving key. Every
 * step is checked; that the rest of the key follows from circuit and powers of tau is `verifyCeremony`'s to check.
 * Works in browsers. Throws `invalid-contribution` naming the step, `ceremony-ended`.
 */
export function isKeyOfTranscript(transcript: CeremonyTranscript, { delta }: VerifyingKey): boolean {
  const point = bn254.G2.Point.fromAffine({
    x: { c0: delta.x.real, c1: delta.x.imaginary },
    y: { c0: delta.y.real, c1: delta.y.imaginary },
  });
  try {
    point.assertValidity();
  } catch {
    return false;
  }
  return point.isTorsionFree() && samePairing(verifySteps(transcript), G2_GENERATOR, G1_GENERATOR, point);
}
