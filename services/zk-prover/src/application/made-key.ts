/** A circuit's key, made here or taken from a ceremony. */
export interface MadeKey {
  /** Encoded as the proof system does. */
  readonly verifyingKey: Uint8Array;
  /** `undefined` under UltraHonk, which has none. */
  readonly provingKey: MadeProvingKey | undefined;
  /** Constraints, under UltraHonk gates. */
  readonly constraintCount: number;
  /** What the key asks a verifier to trust, in words. */
  readonly trust: string;
  readonly ceremonyTranscriptHash: Uint8Array | undefined;
}

export interface MadeProvingKey {
  readonly bytes: Uint8Array;
  /** SHA-256 of them. */
  readonly hash: Uint8Array;
}
