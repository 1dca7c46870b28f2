import type { VerifyingKey } from "@aios/core-groth16/points";

/** A circuit's key, made here or taken from a ceremony. */
export interface MadeKey {
  /** Encoded; see core-groth16 `encodeProvingKey`. */
  readonly provingKey: Uint8Array;
  /** SHA-256 of it. */
  readonly provingKeyHash: Uint8Array;
  readonly verifyingKey: VerifyingKey;
  /** What the key asks a verifier to trust, in words. */
  readonly trust: string;
  readonly ceremonyTranscriptHash: Uint8Array | undefined;
}
