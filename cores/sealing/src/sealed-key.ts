import type { Rng } from "@aios/kernel/random";
import { gcm } from "@noble/ciphers/aes.js";
import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { concatBytes, utf8 } from "./bytes.js";
import { invalidSealing, sealNotOpened } from "./errors.js";
import { type KeyAgreement, portableKeyAgreement } from "./key-agreement.js";

/** Bytes of a content key, and of either half of an X25519 key pair. */
export const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const MAX_CONTEXT_BYTES = 512;
const DOMAIN = "aios/sealed-key/v1";

/** X25519 key pair (RFC 7748), 32 bytes each. */
export interface SealingKeyPair {
  readonly publicKey: Uint8Array;
  readonly privateKey: Uint8Array;
}

/** A content key encrypted to one recipient for one context. Same fields as `aios.storage.v1.SealedKey`. */
export interface SealedKey {
  /** X25519 public key, 32 bytes, new for each sealing. */
  readonly ephemeralPublicKey: Uint8Array;
  /** 12 bytes. */
  readonly nonce: Uint8Array;
  /** Key and 16-byte tag: 48 bytes. */
  readonly ciphertext: Uint8Array;
}

/** A new key pair to receive sealed keys with. One `rng.bytes(32)`, one curve multiplication. */
export function generateSealingKeyPair(
  rng: Rng,
  agreement: KeyAgreement = portableKeyAgreement,
): SealingKeyPair {
  const privateKey = rng.bytes(KEY_BYTES);
  return { privateKey, publicKey: sealingPublicKey(privateKey, agreement) };
}

/** The public half of a private key. Throws `invalid-sealing`. */
export function sealingPublicKey(
  privateKey: Uint8Array,
  agreement: KeyAgreement = portableKeyAgreement,
): Uint8Array {
  expectBytes(privateKey, KEY_BYTES, "privateKey");
  return agreement.publicKey(privateKey);
}

/**
 * Seals a 32-byte content key so that only the recipient opens it, and only for the context.
 *
 * Ephemeral-static X25519, HKDF-SHA256 (RFC 5869) with salt = ephemeral ‖ recipient public key and
 * info = domain ‖ 0 ‖ context, then AES-256-GCM with the context as associated data. The shape of RFC 9180's
 * base mode; deviations: a random nonce is carried (each derived key encrypts once) and the context takes the
 * place of `info`. The sender is not authenticated: who may seal is decided by the caller's own checks.
 *
 * Throws `invalid-sealing` for wrong lengths, a low-order recipient key, or a context over 512 bytes or empty.
 */
export function sealKey(
  contentKey: Uint8Array,
  recipientPublicKey: Uint8Array,
  context: string,
  rng: Rng,
  agreement: KeyAgreement = portableKeyAgreement,
): SealedKey {
  expectBytes(contentKey, KEY_BYTES, "contentKey");
  expectBytes(recipientPublicKey, KEY_BYTES, "recipientPublicKey");
  const associated = contextBytes(context);
  const ephemeral = generateSealingKeyPair(rng, agreement);
  const nonce = rng.bytes(NONCE_BYTES);
  const shared = sharedSecret(ephemeral.privateKey, recipientPublicKey, agreement);
  if (shared === undefined)
    throw invalidSealing("recipientPublicKey", "a point of the curve's large subgroup");
  const wrappingKey = derive(shared, ephemeral.publicKey, recipientPublicKey, associated);
  return {
    ephemeralPublicKey: ephemeral.publicKey,
    nonce,
    ciphertext: gcm(wrappingKey, nonce, associated).encrypt(contentKey),
  };
}

/** Opens what `sealKey` made for this key pair and context. Throws `invalid-sealing` or `seal-not-opened`. */
export function openKey(
  sealed: SealedKey,
  privateKey: Uint8Array,
  context: string,
  agreement: KeyAgreement = portableKeyAgreement,
): Uint8Array {
  expectBytes(sealed.ephemeralPublicKey, KEY_BYTES, "ephemeralPublicKey");
  expectBytes(sealed.nonce, NONCE_BYTES, "nonce");
  expectBytes(sealed.ciphertext, KEY_BYTES + TAG_BYTES, "ciphertext");
  const associated = contextBytes(context);
  const shared = sharedSecret(privateKey, sealed.ephemeralPublicKey, agreement);
  if (shared === undefined) throw sealNotOpened();
  const recipient = sealingPublicKey(privateKey, agreement);
  const wrappingKey = derive(shared, sealed.ephemeralPublicKey, recipient, associated);
  try {
    return gcm(wrappingKey, sealed.nonce, associated).decrypt(sealed.ciphertext);
  } catch {
    throw sealNotOpened();
  }
}

/** Undefined for a low-order point. */
function sharedSecret(
  privateKey: Uint8Array,
  publicKey: Uint8Array,
  agreement: KeyAgreement,
): Uint8Array | undefined {
  expectBytes(privateKey, KEY_BYTES, "privateKey");
  try {
    return agreement.sharedSecret(privateKey, publicKey);
  } catch {
    return undefined;
  }
}

function derive(
  shared: Uint8Array,
  ephemeral: Uint8Array,
  recipient: Uint8Array,
  context: Uint8Array,
): Uint8Array {
  const info = concatBytes(utf8(DOMAIN), new Uint8Array(1), context);
  return hkdf(sha256, shared, concatBytes(ephemeral, recipient), info, KEY_BYTES);
}

function contextBytes(context: string): Uint8Array {
  const bytes = utf8(context);
  if (bytes.length === 0 || bytes.length > MAX_CONTEXT_BYTES) {
    throw invalidSealing("context", `1 to ${MAX_CONTEXT_BYTES} bytes of text`);
  }
  return bytes;
}

function expectBytes(value: Uint8Array, length: number, field: string): void {
  if (!(value instanceof Uint8Array) || value.length !== length)
    throw invalidSealing(field, `${length} bytes`);
}
