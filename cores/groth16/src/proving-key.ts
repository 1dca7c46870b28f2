import { CodedError } from "@aios/kernel/coded-error";
import { sha256 } from "@noble/hashes/sha2.js";
import type { VerifyingKey } from "./points.js";
import { decodeVerifyingKey, encodeVerifyingKey } from "./verifying-key.js";

/** A proving key with the verifying key and the circuit it belongs to. Not secret; large. */
export interface ProvingKey {
  readonly circuitDigest: Uint8Array;
  readonly verifyingKey: VerifyingKey;
  /** As arkworks serialises it, uncompressed. */
  readonly points: Uint8Array;
}

const TAG = new TextEncoder().encode("AIOSPK01");
const DIGEST_BYTES = 32;
const HEADER_BYTES = TAG.length + DIGEST_BYTES + 4;
export const MAX_PROVING_KEY_BYTES = 256 * 1024 * 1024;

function refuse(code: string, message: string): CodedError {
  return new CodedError({ code, kind: "invalid", message });
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

/** Tag "AIOSPK01", circuit digest (32), length of the verifying key (u32, little-endian), verifying key, points. */
export function encodeProvingKey(key: ProvingKey): Uint8Array {
  const verifyingKey = encodeVerifyingKey(key.verifyingKey);
  const out = new Uint8Array(HEADER_BYTES + verifyingKey.length + key.points.length);
  out.set(TAG);
  out.set(key.circuitDigest, TAG.length);
  new DataView(out.buffer).setUint32(HEADER_BYTES - 4, verifyingKey.length, true);
  out.set(verifyingKey, HEADER_BYTES);
  out.set(key.points, HEADER_BYTES + verifyingKey.length);
  return out;
}

/** What to pin when a key is made: SHA-256 of its encoding. */
export function provingKeyHash(encoded: Uint8Array): Uint8Array {
  return sha256(encoded);
}

/**
 * Reads a key whose hash was pinned when it was made; its points are then used without checking them one by one
 * (which takes seconds), so a key with another hash is refused before anything in it is read. Throws
 * `proving-key-altered`, `malformed-proving-key`, `malformed-verifying-key`.
 */
export function decodeProvingKey(encoded: Uint8Array, pinnedHash: Uint8Array): ProvingKey {
  if (encoded.length > MAX_PROVING_KEY_BYTES)
    throw refuse("malformed-proving-key", "The proving key is too large.");
  if (!equal(provingKeyHash(encoded), pinnedHash)) {
    throw refuse("proving-key-altered", "The proving key is not the one that was made for this model.");
  }
  if (encoded.length < HEADER_BYTES || !equal(encoded.subarray(0, TAG.length), TAG)) {
    throw refuse("malformed-proving-key", "These bytes are not a proving key.");
  }
  const verifyingKeyBytes = new DataView(encoded.buffer, encoded.byteOffset).getUint32(
    HEADER_BYTES - 4,
    true,
  );
  if (verifyingKeyBytes > encoded.length - HEADER_BYTES)
    throw refuse("malformed-proving-key", "The proving key is cut short.");
  return {
    circuitDigest: encoded.slice(TAG.length, TAG.length + DIGEST_BYTES),
    verifyingKey: decodeVerifyingKey(encoded.subarray(HEADER_BYTES, HEADER_BYTES + verifyingKeyBytes)),
    points: encoded.subarray(HEADER_BYTES + verifyingKeyBytes),
  };
}
