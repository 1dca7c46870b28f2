import { blsPublicKey, blsSign, blsSignatures } from "@aios/core-finality/bls-signatures";
import type { BlsSignatures, SignatureScheme } from "@aios/core-finality/signature-scheme";
import { sha256 } from "@noble/hashes/sha2.js";
import { concatBytes } from "@noble/hashes/utils.js";

/** The signatures of a simulated set. */
export interface Signers {
  readonly scheme: SignatureScheme;
  readonly publicKeys: readonly Uint8Array[];
  sign(node: number, message: Uint8Array): Uint8Array;
}

/** Ideal signatures: nobody in the simulation makes one for another node. Aggregation is exclusive or. */
export function idealSigners(size: number): Signers {
  const publicKeys = Array.from({ length: size }, (_, node) => Uint8Array.of(node));
  const tag = (key: Uint8Array, message: Uint8Array): Uint8Array => sha256(concatBytes(key, message));
  const join = (parts: readonly Uint8Array[]): Uint8Array =>
    parts.reduce((sum, part) => sum.map((byte, i) => byte ^ (part[i] ?? 0)), new Uint8Array(32));
  const equal = (a: Uint8Array, b: Uint8Array): boolean => a.every((byte, i) => byte === b[i]);
  return {
    publicKeys,
    sign: (node, message) => tag(publicKeys[node] as Uint8Array, message),
    scheme: {
      verify: (key, message, signature) => equal(tag(key, message), signature),
      aggregate: join,
      verifyAggregate: (keys, message, signature) =>
        equal(join(keys.map((key) => tag(key, message))), signature),
    },
  };
}

/** BLS12-381 with fixed keys. */
export function blsSigners(size: number): Signers {
  const secrets = Array.from({ length: size }, (_, node) => new Uint8Array(32).fill(node + 1));
  return {
    publicKeys: secrets.map(blsPublicKey),
    sign: (node, message) => blsSign(secrets[node] as Uint8Array, message),
    scheme: blsSignatures,
  };
}

/** Keys for any number of nodes. */
export interface Keyring {
  readonly scheme: SignatureScheme;
  publicKey(node: number): Uint8Array;
  sign(node: number, message: Uint8Array): Uint8Array;
}

/** Ideal signatures with keys of the real length. */
export function idealKeyring(): Keyring {
  const { scheme } = idealSigners(0);
  const publicKey = (node: number): Uint8Array => new Uint8Array(48).fill(node + 1);
  return {
    scheme,
    publicKey,
    sign: (node, message) => scheme.aggregate([sha256(concatBytes(publicKey(node), message))]),
  };
}

/** BLS12-381, by whichever implementation, with fixed keys. */
export function blsKeyring(bls: BlsSignatures): Keyring {
  const secret = (node: number): Uint8Array => new Uint8Array(32).fill(node + 1);
  return {
    scheme: bls,
    publicKey: (node) => bls.publicKey(secret(node)),
    sign: (node, message) => bls.sign(secret(node), message),
  };
}
