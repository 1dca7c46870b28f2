import { malformed } from "./points.js";
import { PROOF_BYTES } from "./proof-encoding.js";
import { MAX_PUBLIC_INPUTS } from "./verifying-key.js";

/** What a proven job is settled with, whatever the proof system: encoded verifying key and encoded proof. */
export interface Evidence {
  readonly verifyingKey: Uint8Array;
  readonly proof: Uint8Array;
}

const WORD = 32;
const MAX_EVIDENCE_BYTES = WORD * (4 + 14 + 2 * (MAX_PUBLIC_INPUTS + 1)) + PROOF_BYTES;

function padded(length: number): number {
  return Math.ceil(length / WORD) * WORD;
}

function writeWord(out: Uint8Array, at: number, value: number): void {
  new DataView(out.buffer).setUint32(at + WORD - 4, value);
}

/** Solidity's `abi.encode(bytes verifyingKey, bytes proof)`. */
export function encodeEvidence({ verifyingKey, proof }: Evidence): Uint8Array {
  const keyAt = 2 * WORD;
  const proofAt = keyAt + WORD + padded(verifyingKey.length);
  const out = new Uint8Array(proofAt + WORD + padded(proof.length));
  writeWord(out, 0, keyAt);
  writeWord(out, WORD, proofAt);
  writeWord(out, keyAt, verifyingKey.length);
  out.set(verifyingKey, keyAt + WORD);
  writeWord(out, proofAt, proof.length);
  out.set(proof, proofAt + WORD);
  return out;
}

/**
 * Inverse of `encodeEvidence`; takes its canonical layout only, and by default no more bytes than Groth16 needs. Throws
 * `malformed-evidence`.
 */
export function decodeEvidence(bytes: Uint8Array, maxBytes = MAX_EVIDENCE_BYTES): Evidence {
  if (bytes.length < 4 * WORD || bytes.length > maxBytes)
    throw malformed("evidence", `it has ${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const dynamic = (pointerAt: number): Uint8Array => {
    const at = view.getUint32(pointerAt + WORD - 4);
    if (at > bytes.length - WORD) throw malformed("evidence", "an offset points outside");
    const length = view.getUint32(at + WORD - 4);
    if (length > bytes.length - WORD - at) throw malformed("evidence", "a length points outside");
    return bytes.slice(at + WORD, at + WORD + length);
  };
  const evidence = { verifyingKey: dynamic(0), proof: dynamic(WORD) };
  const canonical = encodeEvidence(evidence);
  if (canonical.length !== bytes.length || !canonical.every((byte, index) => byte === bytes[index])) {
    throw malformed("evidence", "it is not laid out as abi.encode does");
  }
  return evidence;
}
