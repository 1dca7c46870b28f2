import { x25519 } from "@noble/curves/ed25519.js";

/** X25519 (RFC 7748) over raw keys of 32 bytes. */
export interface KeyAgreement {
  publicKey(privateKey: Uint8Array): Uint8Array;
  /** Throws anything for a public key of low order, whose secret would be known to everyone (section 6.1). */
  sharedSecret(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array;
}

/** Runs everywhere, at about a millisecond a call; a host with its own curve passes that instead. */
export const portableKeyAgreement: KeyAgreement = {
  publicKey: (privateKey) => x25519.getPublicKey(privateKey),
  sharedSecret: (privateKey, publicKey) => x25519.getSharedSecret(privateKey, publicKey),
};
