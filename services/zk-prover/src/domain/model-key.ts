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
  readonly trust: string;
}

export interface ModelKeyRecord {
  readonly modelCommitment: Bytes32;
  readonly tenantId: TenantId;
  readonly modelCid: string;
  readonly state: KeyState;
  readonly material: KeyMaterial | undefined;
  readonly failure: Failure | undefined;
}
