import { gcm } from "@noble/ciphers/aes.js";

/** AES-256-GCM with a 12-byte nonce; ciphertexts end in the 16-byte tag. */
export interface Aead {
  seal(key: Uint8Array, nonce: Uint8Array, associated: Uint8Array, plaintext: Uint8Array): Uint8Array;
  /** Throws anything when the tag does not fit. */
  open(key: Uint8Array, nonce: Uint8Array, associated: Uint8Array, ciphertext: Uint8Array): Uint8Array;
}

/** Runs everywhere, at some 10 MB/s; a host with its own AES passes that instead. */
export const portableAead: Aead = {
  seal: (key, nonce, associated, plaintext) => gcm(key, nonce, associated).encrypt(plaintext),
  open: (key, nonce, associated, ciphertext) => gcm(key, nonce, associated).decrypt(ciphertext),
};
