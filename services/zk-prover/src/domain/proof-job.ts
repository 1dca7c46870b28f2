import type { Failure } from "@aios/core-proving-queue/work-queue";
import type { Address, JobId, TenantId } from "@aios/kernel/identifiers";
import type { TimestampMs } from "@aios/kernel/units";
import type { Progress } from "./progress.js";
import type { ProvenModel } from "./proof-system.js";

export type ProofState = "queued" | "proving" | "proven" | "failed";

/** What is to be proven. `requestHash` covers all of it. */
export interface ProofRequest extends ProvenModel {
  readonly jobId: JobId;
  readonly version: number;
  readonly chainId: number;
  readonly escrow: Address;
  readonly requester: Address;
  readonly verifyingKeyHash: Uint8Array;
  readonly inputCommitment: Uint8Array;
  readonly modelCid: string;
  readonly inputCid: string;
  /** Packed output, 32 bytes big-endian. */
  readonly claimedOutput: Uint8Array;
  /** 0 to 9; higher is proven first. Not part of what is asked. */
  readonly priority: number;
  /** The proof is of no use after this. */
  readonly deadline: TimestampMs | undefined;
  readonly requestHash: Uint8Array;
}

export interface ProofResult {
  /** Encoded as the proof system does. */
  readonly proof: Uint8Array;
  /** 32 bytes each. */
  readonly publicInputs: readonly Uint8Array[];
  readonly evidence: Uint8Array;
  readonly evidenceCid: string;
  readonly proveMs: number;
}

/**
 * True when both ask about one statement, whatever output they claim for it: a statement has one true output, so a
 * proof of one claim decides every other.
 */
export function sameStatement(
  a: Omit<ProofRequest, "requestHash">,
  b: Omit<ProofRequest, "requestHash">,
): boolean {
  return (
    a.jobId === b.jobId &&
    a.version === b.version &&
    a.chainId === b.chainId &&
    a.escrow === b.escrow &&
    a.requester === b.requester &&
    a.modelCommitment === b.modelCommitment &&
    a.proofSystem === b.proofSystem &&
    sameBytes(a.verifyingKeyHash, b.verifyingKeyHash) &&
    sameBytes(a.inputCommitment, b.inputCommitment)
  );
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

export interface ProofJobRecord {
  readonly request: ProofRequest;
  readonly tenantId: TenantId;
  readonly state: ProofState;
  readonly result: ProofResult | undefined;
  readonly failure: Failure | undefined;
  /** What whoever holds it last said; undefined before, and once it has ended. */
  readonly progress: Progress | undefined;
}
