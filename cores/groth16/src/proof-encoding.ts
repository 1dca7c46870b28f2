import { encodeWords, malformed, type Proof, WordReader } from "./points.js";

export const PROOF_BYTES = 256;

/** 8 words: A (x, y), B (x imaginary, x real, y imaginary, y real), C (x, y). */
export function encodeProof(proof: Proof): Uint8Array {
  return encodeWords([proof.a, proof.b, proof.c]);
}

/** Inverse of `encodeProof`; `verify` checks curve and subgroup. Throws `malformed-proof`. */
export function decodeProof(bytes: Uint8Array): Proof {
  if (bytes.length !== PROOF_BYTES)
    throw malformed("proof", `it has ${bytes.length} bytes, not ${PROOF_BYTES}`);
  const words = new WordReader(bytes, "proof");
  return { a: words.g1(), b: words.g2(), c: words.g1() };
}
