import type { Rng } from "@aios/kernel/random";
import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { type Aead, portableAead } from "./aead.js";
import { concatBytes, utf8 } from "./bytes.js";
import { contentNotDecrypted, invalidSealing } from "./errors.js";
import { KEY_BYTES } from "./sealed-key.js";

const MAGIC = Uint8Array.of(0x41, 0x49, 0x4f, 0x53); // "AIOS"
const VERSION = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const MAX_OWNER_BYTES = 512;
const UNGUESSABLE_DOMAIN = "aios/unguessable-content/v1";
const HEADER_BYTES = MAGIC.length + 1 + NONCE_BYTES;

/** Bytes that encryption adds to a content: header and tag. */
export const ENCRYPTION_OVERHEAD_BYTES = HEADER_BYTES + TAG_BYTES;

/** A new content key. One per content: a key never encrypts two contents. */
export function generateContentKey(rng: Rng): Uint8Array {
  return rng.bytes(KEY_BYTES);
}

/**
 * AES-256-GCM (NIST SP 800-38D) over the whole content.
 * Layout: "AIOS" ‖ version 1 ‖ nonce (12) ‖ ciphertext ‖ tag (16); the first 17 bytes are associated data.
 * Holds plaintext and ciphertext in memory. Throws `invalid-sealing` for a key that is not 32 bytes.
 */
export function encryptContent(
  key: Uint8Array,
  plaintext: Uint8Array,
  rng: Rng,
  aead: Aead = portableAead,
): Uint8Array {
  expectKey(key);
  const header = concatBytes(MAGIC, Uint8Array.of(VERSION), rng.bytes(NONCE_BYTES));
  const nonce = header.subarray(MAGIC.length + 1);
  return concatBytes(header, aead.seal(key, nonce, header, plaintext));
}

export interface EncryptedOnce {
  readonly contentKey: Uint8Array;
  readonly ciphertext: Uint8Array;
}

/**
 * Encrypts as `encryptContent` under a key and a nonce that follow from content and owner (HKDF-SHA256, RFC 5869, over the
 * content's SHA-256): the same again gives the same bytes, so that what was interrupted can be taken up with nothing kept
 * in between. Another content or owner has another key. Only for contents with 128 bits or more that nobody can guess, such
 * as a model with its salt: who can guess the content could tell its ciphertext. `owner` is any text, at most 512 bytes.
 */
export function encryptUnguessable(
  plaintext: Uint8Array,
  owner: string,
  aead: Aead = portableAead,
): EncryptedOnce {
  const info = utf8(owner);
  if (info.length > MAX_OWNER_BYTES) throw invalidSealing("owner", `at most ${MAX_OWNER_BYTES} bytes`);
  const secrets = hkdf(sha256, sha256(plaintext), utf8(UNGUESSABLE_DOMAIN), info, KEY_BYTES + NONCE_BYTES);
  const contentKey = secrets.slice(0, KEY_BYTES);
  const nonce = secrets.slice(KEY_BYTES);
  return { contentKey, ciphertext: encryptContent(contentKey, plaintext, { bytes: () => nonce }, aead) };
}

/** Opens what `encryptContent` made. Throws `invalid-sealing` (not our format) or `content-not-decrypted`. */
export function decryptContent(key: Uint8Array, content: Uint8Array, aead: Aead = portableAead): Uint8Array {
  expectKey(key);
  if (content.length < ENCRYPTION_OVERHEAD_BYTES || MAGIC.some((byte, index) => content[index] !== byte)) {
    throw invalidSealing("content", "encrypted content (header AIOS)");
  }
  if (content[MAGIC.length] !== VERSION)
    throw invalidSealing("content", `encrypted content of version ${VERSION}`);
  const header = content.subarray(0, HEADER_BYTES);
  try {
    return aead.open(key, header.subarray(MAGIC.length + 1), header, content.subarray(HEADER_BYTES));
  } catch {
    throw contentNotDecrypted();
  }
}

function expectKey(key: Uint8Array): void {
  if (!(key instanceof Uint8Array) || key.length !== KEY_BYTES)
    throw invalidSealing("key", `${KEY_BYTES} bytes`);
}
