import { CodedError } from "@aios/kernel/coded-error";
import { MAX_LOG_ROWS } from "./honk-key.js";

const WORD = 32;
const RECURSION_WORDS = 8;
const UNIVARIATE = 9;
const ENTITIES = 42;

/** Bytes of a proof (zero-knowledge flavour, Keccak transcript) for a circuit of 2^logRows rows, as `HonkProof.sol`. */
export function honkProofBytes(logRows: number): number {
  const points = 14 + (logRows - 1);
  const scalars = RECURSION_WORDS + logRows * UNIVARIATE + ENTITIES + 2 + logRows + 4;
  return WORD * (2 * points + scalars);
}

export const MAX_HONK_PROOF_BYTES = honkProofBytes(MAX_LOG_ROWS);

/** The words that a prover answers, as one. Throws `malformed-proof` for another number or size of words. */
export function joinHonkProof(words: readonly Uint8Array[], logRows: number): Uint8Array {
  if (words.length * WORD !== honkProofBytes(logRows) || words.some((word) => word.length !== WORD)) {
    throw new CodedError({
      code: "malformed-proof",
      kind: "invalid",
      message: `An UltraHonk proof of 2^${logRows} rows has ${honkProofBytes(logRows)} bytes, not ${words.length * WORD}.`,
    });
  }
  const out = new Uint8Array(words.length * WORD);
  for (const [index, word] of words.entries()) out.set(word, index * WORD);
  return out;
}
