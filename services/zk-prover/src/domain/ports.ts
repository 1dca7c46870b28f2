import type { Claim, WorkQueue } from "@aios/core-proving-queue/work-queue";
import type { JobId, TenantId } from "@aios/kernel/identifiers";
import type { KeyMaterial, KeyRequest, ModelKeyRecord } from "./model-key.js";
import type { Progress } from "./progress.js";
import type { ProofJobRecord, ProofRequest, ProofResult } from "./proof-job.js";
import type { ProvenModel } from "./proof-system.js";

/** Rows of keys and their work. A change and its event leave together. */
export interface ModelKeyStore extends WorkQueue<ModelKeyRecord> {
  find(model: ProvenModel): Promise<ModelKeyRecord | undefined>;
  /**
   * Adds the work unless keys exist or are being made. Failed work starts anew when it is asked for with another
   * content or ceremony. Answers what stands afterwards. Throws `model-key-differs` where that is a key of another
   * origin than the one asked for.
   */
  request(request: KeyRequest, tenantId: TenantId): Promise<ModelKeyRecord>;
  /** Throws `work-lease-lost`. */
  complete(claim: Claim, material: KeyMaterial): Promise<void>;
}

/** Rows of proofs and their work. A change and its event leave together. */
export interface ProofStore extends WorkQueue<ProofJobRecord> {
  find(jobId: JobId): Promise<ProofJobRecord | undefined>;
  /**
   * Adds the work. The same request again raises its priority and moves its deadline at most; another one replaces it (whoever works on it loses the
   * lease) unless the job is proven: `proof-request-differs`. At most `limit` may be unfinished: `prover-queue-full`.
   */
  request(
    request: ProofRequest,
    tenantId: TenantId,
    limit: number,
    retryAfterMs: number,
  ): Promise<ProofJobRecord>;
  /** Throws `work-lease-lost`. */
  complete(claim: Claim, result: ProofResult): Promise<void>;
  /** Keeps what the holder says, for display. Nothing happens when the lease is lost. */
  report(claim: Claim, progress: Progress): Promise<void>;
}

export type KeyPurpose = "proving-key-setup" | "proof";

/** Contents of the storage service. All bytes are checked against their CID there. */
export interface ContentStore {
  /** Decrypts an owner's content with a key released for the purpose; each release is logged at the owner's. */
  readSecret(
    cid: string,
    purpose: KeyPurpose,
    jobId: JobId | undefined,
    signal: AbortSignal,
  ): Promise<Uint8Array>;
  /** Reads a content as it is stored. Throws `content-too-large` beyond `maxBytes`. */
  read(cid: string, signal: AbortSignal, maxBytes?: number): Promise<Uint8Array>;
  /** Stores bytes; the same bytes give the same CID. */
  write(
    bytes: Uint8Array,
    category: "proof" | "proving-key",
    encrypted: boolean,
    signal: AbortSignal,
  ): Promise<string>;
}

/** tau·G2 as contracts take it (EIP-197): x imaginary, x real, y imaginary, y real; 32 bytes in lower-case hex each. */
export type TauG2Words = readonly [string, string, string, string];

/** What the verifiers on chain were deployed with. */
export interface ProofVerifiers {
  /** Of the reference string that UltraHonk proofs are verified under; `undefined` where that is not told. */
  honkTauG2(): Promise<TauG2Words | undefined>;
}
