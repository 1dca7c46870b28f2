import type { Address, Bytes32, JobId, TenantId } from "@aios/kernel/identifiers";
import type { Failure } from "./work.js";

export type ProofState = "queued" | "proving" | "proven" | "failed";

/** What is to be proven. `requestHash` covers all of it. */
export interface ProofRequest {
  readonly jobId: JobId;
  readonly version: number;
  readonly chainId: number;
  readonly escrow: Address;
  readonly requester: Address;
  readonly modelCommitment: Bytes32;
  readonly verifyingKeyHash: Uint8Array;
  readonly inputCommitment: Uint8Array;
  readonly modelCid: string;
  readonly inputCid: string;
  /** Packed output, 32 bytes big-endian. */
  readonly claimedOutput: Uint8Array;
  readonly requestHash: Uint8Array;
}

export interface ProofResult {
  /** 256 bytes. */
  readonly proof: Uint8Array;
  /** 32 bytes each. */
  readonly publicInputs: readonly Uint8Array[];
  readonly evidence: Uint8Array;
  readonly evidenceCid: string;
  readonly proveMs: number;
}

export interface ProofJobRecord {
  readonly request: ProofRequest;
  readonly tenantId: TenantId;
  readonly state: ProofState;
  readonly result: ProofResult | undefined;
  readonly failure: Failure | undefined;
}
