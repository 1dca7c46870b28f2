import { createPrivateKey, createPublicKey, diffieHellman, type KeyObject } from "node:crypto";

/** What comes before a raw X25519 key in PKCS #8 and in SubjectPublicKeyInfo (RFC 8410). */
const PRIVATE_PREFIX = Buffer.from("302e020100300506032b656e04220420", "hex");
const PUBLIC_PREFIX = Buffer.from("302a300506032b656e032100", "hex");
const KEY_BYTES = 32;

/** OpenSSL's X25519 over raw keys, at a tenth of the portable one's time; it refuses public keys of low order too. */
export const systemKeyAgreement = {
  publicKey(privateKey: Uint8Array): Uint8Array {
    const spki = createPublicKey(privateKeyOf(privateKey)).export({ format: "der", type: "spki" });
    return Uint8Array.from(spki.subarray(-KEY_BYTES));
  },
  sharedSecret(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array {
    const other = createPublicKey({
      key: Buffer.concat([PUBLIC_PREFIX, publicKey]),
      format: "der",
      type: "spki",
    });
    return Uint8Array.from(diffieHellman({ privateKey: privateKeyOf(privateKey), publicKey: other }));
  },
} as const;

function privateKeyOf(raw: Uint8Array): KeyObject {
  const key = Buffer.concat([PRIVATE_PREFIX, raw]);
  try {
    return createPrivateKey({ key, format: "der", type: "pkcs8" });
  } finally {
    key.fill(0);
  }
}
