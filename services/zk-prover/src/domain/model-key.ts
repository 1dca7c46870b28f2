import type { Failure } from "@aios/core-proving-queue/work-queue";
import type { Bytes32, TenantId } from "@aios/kernel/identifiers";

export type KeyState = "setting-up" | "ready" | "failed";

/** What a finished set-up leaves. */
export interface KeyMaterial {
  /** See core-groth16 `encodeVerifyingKey`. Public. */
  readonly verifyingKey: Uint8Array;
  readonly verifyingKeyCid: string;
  /** SHA-256 of the proving key's plaintext. */
  readonly provingKeyHash: Uint8Array;
  readonly provingKeyCid: string;
  /** Content key of the encrypted proving key. Secret. */
  readonly provingKeySecret: Uint8Array;
  readonly provingKeyBytes: number;
  readonly constraintCount: number;
  readonly setUpMs: number;
  /** What the key asks a verifier to trust, in words. */
  readonly trust: string;
  /** SHA-256 over the transcript of the ceremony that made the key; `undefined` for a development key. */
  readonly ceremonyTranscriptHash: Uint8Array | undefined;
}

/** A finished ceremony that made a key, as contents of the storage service. */
export interface KeyCeremony {
  readonly transcriptCid: string;
  /** Encrypted: weights could be guessed from its points. */
  readonly provingKeyCid: string;
  readonly powersCid: string;
}

/** What keys are asked for. The same model has one key: a request that names another ceremony is another key. */
export interface KeyRequest {
  readonly modelCommitment: Bytes32;
  readonly modelCid: string;
  /** `undefined`: a development key is to be made. */
  readonly ceremony: KeyCeremony | undefined;
}

export function sameCeremony(a: KeyCeremony | undefined, b: KeyCeremony | undefined): boolean {
  return (
    a?.transcriptCid === b?.transcriptCid &&
    a?.provingKeyCid === b?.provingKeyCid &&
    a?.powersCid === b?.powersCid
  );
}

export interface ModelKeyRecord extends KeyRequest {
  readonly tenantId: TenantId;
  readonly state: KeyState;
  readonly material: KeyMaterial | undefined;
  readonly failure: Failure | undefined;
}
