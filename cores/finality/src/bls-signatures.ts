import { CodedError } from "@aios/kernel/coded-error";
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { bytesToHex, concatBytes } from "@noble/hashes/utils.js";
import type { BlsSignatures } from "./signature-scheme.js";

// Ciphersuite BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_ of draft-irtf-cfrg-bls-signature-05, section 4.2.3.
const MESSAGE_DOMAIN = "BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_";
const POSSESSION_DOMAIN = "BLS_POP_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_";
const bls = bls12_381.longSignatures;

/** Public key of a secret scalar (32 bytes, big-endian): 48 bytes, a compressed point of G1. Throws `invalid-secret-key`. */
export function blsPublicKey(secretKey: Uint8Array): Uint8Array {
  return bls.getPublicKey(checkedSecret(secretKey)).toBytes();
}

/** Signature of 96 bytes, a compressed point of G2. */
export function blsSign(secretKey: Uint8Array, message: Uint8Array): Uint8Array {
  return bls.sign(bls.hash(message, MESSAGE_DOMAIN), checkedSecret(secretKey)).toBytes();
}

const NO_CONTEXT = new Uint8Array(0);

/**
 * Shows that the secret of a public key is known, which is what makes aggregates over equal messages safe. Signs the key
 * and the context after it, which says who shows it where: without one anybody can show the same proof.
 */
export function provePossession(secretKey: Uint8Array, context: Uint8Array = NO_CONTEXT): Uint8Array {
  const message = concatBytes(blsPublicKey(secretKey), context);
  return bls.sign(bls.hash(message, POSSESSION_DOMAIN), secretKey).toBytes();
}

/** Checks `provePossession`; also that the key is a point of the right subgroup and not the identity. */
export function verifyPossession(
  publicKey: Uint8Array,
  proof: Uint8Array,
  context: Uint8Array = NO_CONTEXT,
): boolean {
  const message = concatBytes(publicKey, context);
  return holds(() => bls.verify(proof, bls.hash(message, POSSESSION_DOMAIN), publicKey));
}

/** `BlsSignatures` in TypeScript alone (`@noble/curves`): for browsers and wherever no native code is at hand. */
export const blsSignatures: BlsSignatures = {
  publicKey: blsPublicKey,
  sign: blsSign,
  verify: (publicKey, message, signature) =>
    holds(() => bls.verify(signature, bls.hash(message, MESSAGE_DOMAIN), publicKey)),
  aggregate: (signatures) => {
    try {
      return bls.aggregateSignatures(signatures.map((s) => bls.Signature.fromBytes(s))).toBytes();
    } catch (cause) {
      throw invalid(
        "invalid-signature",
        "signatures",
        "One of the signatures is not a point of the group.",
        cause,
      );
    }
  },
  verifyAggregate: (publicKeys, message, signature) =>
    publicKeys.length > 0 &&
    holds(() => {
      const points = publicKeys.map((key) => {
        const point = bls12_381.G1.Point.fromBytes(key);
        point.assertValidity();
        if (point.is0()) throw invalid("invalid-public-key", "publicKeys", "The identity is no public key.");
        return point;
      });
      return bls.verify(signature, bls.hash(message, MESSAGE_DOMAIN), bls.aggregatePublicKeys(points));
    }),
};

// noble would reduce a number beyond the group's order, where other implementations refuse it.
function checkedSecret(secretKey: Uint8Array): Uint8Array {
  const scalar = secretKey.length === 32 ? BigInt(`0x${bytesToHex(secretKey)}`) : 0n;
  if (scalar > 0n && scalar < bls12_381.fields.Fr.ORDER) return secretKey;
  throw invalid(
    "invalid-secret-key",
    "secretKey",
    "A secret key is 32 bytes, a number from 1 below the group's order.",
  );
}

function invalid(code: string, field: string, message: string, cause?: unknown): CodedError {
  return new CodedError({ code, kind: "invalid", field, message, cause });
}

function holds(check: () => boolean): boolean {
  try {
    return check();
  } catch {
    return false;
  }
}
