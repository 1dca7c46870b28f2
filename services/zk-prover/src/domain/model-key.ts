import { keccak256 } from "@aios/core-keccak/keccak";
import type { Failure } from "@aios/core-proving-queue/work-queue";
import type { TenantId } from "@aios/kernel/identifiers";
import type { ProvenModel } from "./proof-system.js";

export type KeyState = "setting-up" | "ready" | "failed";

/** A stored proving key: Groth16 has one for each model, UltraHonk none. */
export interface StoredProvingKey {
  /** SHA-256 of the plaintext. */
  readonly hash: Uint8Array;
  readonly cid: string;
  /** Content key that it is encrypted with. Secret: weights could be guessed from its points. */
  readonly secret: Uint8Array;
  readonly sizeBytes: number;
}

/** What a finished set-up leaves. */
export interface KeyMaterial {
  /** Encoded as the proof system does. Public. */
  readonly verifyingKey: Uint8Array;
  readonly verifyingKeyCid: string;
  readonly provingKey: StoredProvingKey | undefined;
  /** Constraints of the circuit, under UltraHonk its gates: what a proof's time follows. */
  readonly constraintCount: number;
  /** Channels, height, width of the model's input, one byte an element; empty for a key from before it was kept. */
  readonly inputShape: readonly number[];
  /** Weight multiplications of one inference; 0 for a key from before. */
  readonly multiplications: number;
  readonly setUpMs: number;
  /** What the key asks a verifier to trust, in words. */
  readonly trust: string;
  /** SHA-256 over the transcript of the ceremony that made the key; `undefined` for a key of none. */
  readonly ceremonyTranscriptHash: Uint8Array | undefined;
}

/** keccak256 of an encoded verifying key, under every proof system: what the chain has. 32 bytes. */
export function verifyingKeyHash(verifyingKey: Uint8Array): Uint8Array {
  return keccak256(verifyingKey);
}

/** A finished ceremony that made a key, as contents of the storage service. */
export interface KeyCeremony {
  readonly transcriptCid: string;
  /** Encrypted: weights could be guessed from its points. */
  readonly provingKeyCid: string;
  readonly powersCid: string;
}

/**
 * What keys are asked for. A model has one key under each proof system: a request that names another ceremony is another
 * key.
 */
export interface KeyRequest extends ProvenModel {
  readonly modelCid: string;
  /** `undefined`: Groth16 takes a development key, UltraHonk needs none. */
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
