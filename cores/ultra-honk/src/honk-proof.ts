import { CodedError } from "@aios/kernel/coded-error";
import { HONK_KEY_BYTES, MAX_LOG_ROWS } from "./honk-key.js";

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
/** Evidence for the escrow: two offsets, two lengths, key and proof. */
export const MAX_HONK_EVIDENCE_BYTES = 4 * WORD + HONK_KEY_BYTES + MAX_HONK_PROOF_BYTES;

/** The same bytes. Throws `malformed-proof` for another number of them than a proof of 2^logRows rows has. */
export function checkedHonkProof(proof: Uint8Array, logRows: number): Uint8Array {
  if (proof.length !== honkProofBytes(logRows)) {
    throw new CodedError({
      code: "malformed-proof",
      kind: "invalid",
      message: `An UltraHonk proof of 2^${logRows} rows has ${honkProofBytes(logRows)} bytes, not ${proof.length}.`,
    });
  }
  return proof;
}
