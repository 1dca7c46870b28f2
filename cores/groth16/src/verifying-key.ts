import { keccak_256 } from "@noble/hashes/sha3.js";
import { encodeWords, malformed, type VerifyingKey, WORD_BYTES, WordReader } from "./points.js";

const FIXED_WORDS = 14;
/** Public inputs of any key that we accept. */
export const MAX_PUBLIC_INPUTS = 64;

/** How a key came to be, for people; shown wherever the key is. */
export const DEVELOPMENT_TRUST = "forgeable by whoever ran the development set-up";

/** Words: alpha (2), beta (4), gamma (4), delta (4), then two for each of the n + 1 input points. */
export function encodeVerifyingKey(key: VerifyingKey): Uint8Array {
  return encodeWords([key.alpha, key.beta, key.gamma, key.delta, ...key.ic]);
}

/** Inverse of `encodeVerifyingKey`; `verify` checks curve and subgroup. Throws `malformed-verifying-key`. */
export function decodeVerifyingKey(bytes: Uint8Array): VerifyingKey {
  const icPoints = (bytes.length / WORD_BYTES - FIXED_WORDS) / 2;
  if (!Number.isInteger(icPoints) || icPoints < 1 || icPoints > MAX_PUBLIC_INPUTS + 1) {
    throw malformed("verifying-key", `it has ${bytes.length} bytes`);
  }
  const words = new WordReader(bytes, "verifying-key");
  const [alpha, beta, gamma, delta] = [words.g1(), words.g2(), words.g2(), words.g2()];
  return { alpha, beta, gamma, delta, ic: Array.from({ length: icPoints }, () => words.g1()) };
}

/** keccak256 of the encoding: what a published model and every statement name. 32 bytes. */
export function verifyingKeyHash(key: VerifyingKey): Uint8Array {
  return keccak_256(encodeVerifyingKey(key));
}
