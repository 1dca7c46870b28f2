import { CodedError } from "@aios/kernel/coded-error";
import { MAX_LAYER_WIDTH, SALT_BYTES } from "./model-limits.js";
import { MAX_POSEIDON_INPUTS, poseidonHash } from "./poseidon.js";
import { bytesToInteger } from "./scalar-field.js";

/** Bytes that one field element carries; 31 always fit under the order. */
export const PACKED_BYTES = 31;

/** "AIOSIC01" as an integer: separates these digests from every other use of Poseidon. */
const DOMAIN = 0x41494f5349433031n;

/** First element of the first block: domain and input length, so that no input is another one's prefix. */
export function commitmentTag(inputBytes: number): bigint {
  return (DOMAIN << 32n) | BigInt(inputBytes);
}

/** Halves of a 32-byte salt as two field elements. */
export function saltElements(salt: Uint8Array): readonly [bigint, bigint] {
  return [bytesToInteger(salt.subarray(0, 16)), bytesToInteger(salt.subarray(16, 32))];
}

/**
 * Which elements each Poseidon call absorbs, after its one chained element (the tag in the first call, the digest
 * so far in the others): 15 at a time, of which the first call's first two are the salt.
 */
export function absorbInBlocks<T>(elements: readonly T[]): T[][] {
  const rate = MAX_POSEIDON_INPUTS - 1;
  return Array.from({ length: Math.ceil(elements.length / rate) }, (_, block) =>
    elements.slice(block * rate, (block + 1) * rate),
  );
}

/** Salt, then the bytes packed big-endian 31 to an element (the last one shorter). Throws `invalid-job-input`. */
export function packElements(input: Uint8Array, salt: Uint8Array): bigint[] {
  if (input.length < 1 || input.length > MAX_LAYER_WIDTH || salt.length !== SALT_BYTES) {
    throw new CodedError({
      code: "invalid-job-input",
      kind: "invalid",
      message: `A committed input has 1 to ${MAX_LAYER_WIDTH} bytes and a salt of ${SALT_BYTES}.`,
      field: "input",
    });
  }
  const elements: bigint[] = [...saltElements(salt)];
  for (let at = 0; at < input.length; at += PACKED_BYTES)
    elements.push(bytesToInteger(input.subarray(at, at + PACKED_BYTES)));
  return elements;
}

/**
 * Hiding and binding commitment to input bytes: a Merkle–Damgård chain of Poseidon (up to 16 inputs a call) over tag,
 * salt and packed bytes. Hiding rests on the 32 random salt bytes, binding on Poseidon's collision resistance.
 * Throws `invalid-job-input`.
 */
export function inputCommitment(input: Uint8Array, salt: Uint8Array): bigint {
  let digest = commitmentTag(input.length);
  for (const block of absorbInBlocks(packElements(input, salt))) digest = poseidonHash([digest, ...block]);
  return digest;
}
