/** Checking and joining signatures, as certificates need them: BLS12-381, or an ideal implementation in simulations. */
export interface SignatureScheme {
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
  /** One signature that stands for all of them. Throws `invalid-signature` for none or a malformed one. */
  aggregate(signatures: readonly Uint8Array[]): Uint8Array;
  /** Whether every one of the keys, each with a verified proof of possession, signed the same message. */
  verifyAggregate(publicKeys: readonly Uint8Array[], message: Uint8Array, signature: Uint8Array): boolean;
}

/**
 * BLS12-381 with public keys of 48 bytes in G1 and signatures of 96 bytes in G2, both compressed: ciphersuite
 * BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_ of draft-irtf-cfrg-bls-signature-05. Malformed points verify as false.
 */
export interface BlsSignatures extends SignatureScheme {
  /** Public key of a secret scalar of 32 bytes, big-endian. Throws `invalid-secret-key`. */
  publicKey(secretKey: Uint8Array): Uint8Array;
  sign(secretKey: Uint8Array, message: Uint8Array): Uint8Array;
}
