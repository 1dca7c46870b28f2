import { bls12_381 } from "@noble/curves/bls12-381.js";
import type { SignatureScheme } from "./signature-scheme.js";

// Ciphersuite BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_ of draft-irtf-cfrg-bls-signature-05, section 4.2.3.
const MESSAGE_DOMAIN = "BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_";
const POSSESSION_DOMAIN = "BLS_POP_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_";
const bls = bls12_381.longSignatures;

/** Public key of a secret scalar (32 bytes, big-endian): 48 bytes, a compressed point of G1. */
export function blsPublicKey(secretKey: Uint8Array): Uint8Array {
  return bls.getPublicKey(secretKey).toBytes();
}

/** Signature of 96 bytes, a compressed point of G2. */
export function blsSign(secretKey: Uint8Array, message: Uint8Array): Uint8Array {
  return bls.sign(bls.hash(message, MESSAGE_DOMAIN), secretKey).toBytes();
}

/** Shows that the secret of a public key is known, which is what makes aggregates over equal messages safe. */
export function provePossession(secretKey: Uint8Array): Uint8Array {
  return bls.sign(bls.hash(blsPublicKey(secretKey), POSSESSION_DOMAIN), secretKey).toBytes();
}

/** Checks `provePossession`; also that the key is a point of the right subgroup and not the identity. */
export function verifyPossession(publicKey: Uint8Array, proof: Uint8Array): boolean {
  return holds(() => bls.verify(proof, bls.hash(publicKey, POSSESSION_DOMAIN), publicKey));
}

/** BLS12-381 with public keys in G1 and signatures in G2. Malformed points verify as false. */
export const blsSignatures: SignatureScheme = {
  verify: (publicKey, message, signature) =>
    holds(() => bls.verify(signature, bls.hash(message, MESSAGE_DOMAIN), publicKey)),
  aggregate: (signatures) =>
    bls.aggregateSignatures(signatures.map((s) => bls.Signature.fromBytes(s))).toBytes(),
  verifyAggregate: (publicKeys, message, signature) =>
    publicKeys.length > 0 &&
    holds(() => {
      const points = publicKeys.map((key) => bls12_381.G1.Point.fromBytes(key));
      return bls.verify(signature, bls.hash(message, MESSAGE_DOMAIN), bls.aggregatePublicKeys(points));
    }),
};

function holds(check: () => boolean): boolean {
  try {
    return check();
  } catch {
    return false;
  }
}
