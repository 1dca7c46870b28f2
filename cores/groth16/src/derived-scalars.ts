import { SCALAR_FIELD_ORDER } from "@aios/core-zkml/scalar-field";
import { CodedError } from "@aios/kernel/coded-error";
import { sha512 } from "@noble/hashes/sha2.js";

const SEED_BYTES = 32;

/** SHA-512 of the parts as a scalar; the bias of 512 bits over 254 is negligible. */
export function hashToScalar(...parts: readonly Uint8Array[]): bigint {
  const hash = sha512.create();
  for (const part of parts) hash.update(part);
  let value = 0n;
  for (const byte of hash.digest()) value = (value << 8n) | BigInt(byte);
  return value % SCALAR_FIELD_ORDER;
}

/** One scalar a label, of label and seed. `seed`: 32 random bytes or more, otherwise `seed-too-short`. */
export function deriveScalars(seed: Uint8Array, labels: readonly string[]): bigint[] {
  if (seed.length < SEED_BYTES) {
    throw new CodedError({
      code: "seed-too-short",
      kind: "invalid",
      message: `A seed needs at least ${SEED_BYTES} random bytes.`,
    });
  }
  return labels.map((label) => hashToScalar(new TextEncoder().encode(`aios/groth16/${label}/`), seed));
}
