/** Aggregating signatures, as certificates need them: BLS12-381 here, an ideal implementation in simulations. */
export interface SignatureScheme {
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
  /** One signature that stands for all of them. */
  aggregate(signatures: readonly Uint8Array[]): Uint8Array;
  /** Whether every one of the keys, each with a verified proof of possession, signed the same message. */
  verifyAggregate(publicKeys: readonly Uint8Array[], message: Uint8Array, signature: Uint8Array): boolean;
}
