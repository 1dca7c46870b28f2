import type { Address, Bytes32, ContentId, JobId, TenantId } from "@aios/kernel/identifiers";
import type { ChainStep, Job, JobContracts, JobError, JobProgress } from "./job.js";
import type { ProviderRecord } from "./provider.js";
import type { ProviderStanding } from "./provider-market.js";

/** What a change of a job leaves behind in the same transaction. */
export interface JobChange {
  readonly job: Job;
  /** The job has just settled: its provider's receipt leaves with the change. */
  readonly publishReceipt?: boolean;
  /** A provider proved unfit for this job. */
  readonly fault?: { readonly provider: Address; readonly fencingToken: number; readonly reason: string };
}

export interface NewJob {
  readonly job: Job;
  readonly idempotencyKey: string;
  readonly bodyDigest: string;
  /** Opening of the input commitment; kept so that a repeated request gets the same answer. */
  readonly inputSalt: Uint8Array;
}

export interface StoredRequest {
  readonly job: Job;
  readonly bodyDigest: string;
  readonly inputSalt: Uint8Array;
}

export interface PlacementRecord {
  readonly jobId: JobId;
  readonly fencingToken: number;
  readonly decidedAtMs: number;
  /** Canonical JSON of the scheduler's log entry. */
  readonly log: string;
  /** Where in the record of offers the decision's market stands; undefined where the log holds the offers itself. */
  readonly marketHead: number | undefined;
}

/** A decision about one job and what changes with it. */
export interface Placing {
  readonly change: JobChange;
  readonly placement: Omit<PlacementRecord, "marketHead">;
  /** Offers that are recorded with it, as canonical JSON: with them the record says what was decided from. */
  readonly offers: ReadonlyMap<Address, string>;
}

/** What a placement reads while no other placement runs. */
export interface PlacementView {
  /** The tenant's latest jobs by provider. */
  readonly recentByProvider: ReadonlyMap<Address, number>;
  /** Position of the newest recorded offer. */
  readonly recordedHead: number;
  standing(provider: Address): Promise<ProviderStanding | undefined>;
  /** Every provider's latest recorded offer. */
  recordedOffers(): Promise<ReadonlyMap<Address, string>>;
}

/** Jobs in Postgres. Every change of one job happens under its row lock. */
export interface JobStore {
  /** False when this account already used the idempotency key; nothing is written then. */
  create(entry: NewJob): Promise<boolean>;
  find(jobId: JobId): Promise<Job | undefined>;
  findRequest(buyer: Address, idempotencyKey: string): Promise<StoredRequest | undefined>;
  list(tenant: TenantId, limit: number, before: JobCursor | undefined): Promise<readonly Job[]>;
  /** Locks the row, applies `work`, saves what it answers. Undefined from `work` or an unknown job changes nothing. */
  change(jobId: JobId, work: (job: Job) => JobChange | undefined): Promise<Job | undefined>;
  /**
   * Like `change`, one placement at a time over all jobs. Answers the job, and the position of the newest recorded offer
   * once it is stored; undefined for either where nothing was placed.
   */
  place(
    jobId: JobId,
    work: (job: Job, view: PlacementView) => Promise<Placing | undefined>,
  ): Promise<{ readonly job: Job | undefined; readonly recordedHead: number | undefined }>;
  /** Jobs whose time has come, the longest due first. */
  due(nowMs: number, limit: number): Promise<readonly JobId[]>;
  /** The earliest time at which a job becomes due. */
  nextDueMs(): Promise<number | undefined>;
  /** Looks at the job again at the given time, whatever its state says. */
  postpone(jobId: JobId, untilMs: number): Promise<void>;
  /** Funded jobs without a live lease, oldest first. */
  waiting(limit: number): Promise<readonly Pick<Job, "jobId" | "kind">[]>;
  /** Jobs with a live lease of this provider. */
  liveOf(provider: Address): Promise<readonly Job[]>;
  placements(jobId: JobId): Promise<readonly PlacementRecord[]>;
  /** Every provider's offer as it was recorded up to the position. */
  offersAt(recordedHead: number): Promise<readonly string[]>;
  /**
   * Forgets placements that were decided before, then offers that no kept placement was decided from, at most `limit` of
   * each. Answers how many it forgot.
   */
  forgetPlacements(beforeMs: number, limit: number): Promise<number>;
  countByState(): Promise<ReadonlyMap<string, number>>;
}

export interface JobCursor {
  readonly createdAtMs: number;
  readonly jobId: JobId;
}

export interface ProviderStore {
  find(provider: Address): Promise<ProviderRecord | undefined>;
  save(provider: ProviderRecord): Promise<void>;
  /**
   * Notes stake and registration as the chain says, if the provider is known; the transaction as its registration only
   * where it was not registered before, or by none that is known.
   */
  setStake(provider: Address, registered: boolean, stakedWei: string, transactionHash: string): Promise<void>;
  touch(provider: Address, draining: boolean, atMs: number): Promise<void>;
  standing(provider: Address): Promise<ProviderStanding | undefined>;
  /** Everybody's, at most `limit` a step, in order of address. */
  standings(limit: number): AsyncIterable<ProviderStanding>;
}

export interface ProtocolFacts extends JobContracts {
  readonly providerRegistry: Address;
  readonly proofVerifier: Address;
  readonly honkVerifier: Address;
  readonly deliveryVerifier: Address;
  readonly sampleVerifier: Address;
  readonly replicaVerifier: Address;
  readonly matcher: Address;
  readonly protocolFeeBps: number;
  readonly challengeWindowSeconds: number;
  /** Every name in the on-chain registry. */
  readonly contracts: Readonly<Record<string, string>>;
}

export interface TransactionOutcome {
  readonly transactionId: string;
  readonly state: "running" | "succeeded" | "failed";
  readonly transactionHash: string;
  readonly error: JobError | undefined;
}

/** The relayer: everything that is written to the chain goes through it. */
export interface ChainWriter {
  protocol(): Promise<ProtocolFacts>;
  submit(
    job: Job,
    step: ChainStep,
    fencingToken: number,
    idempotencyKey: string,
  ): Promise<TransactionOutcome>;
  simulateOpen(job: Job): Promise<JobError | undefined>;
  outcome(transactionId: string): Promise<TransactionOutcome>;
  /** Why the chain would not take it now. */
  simulateRegistration(registration: SignedRegistration): Promise<JobError | undefined>;
  register(registration: SignedRegistration, idempotencyKey: string): Promise<TransactionOutcome>;
}

export interface SignedRegistration {
  readonly provider: Address;
  readonly stakeWei: string;
  readonly capabilitiesHash: string;
  readonly selfTestHash: string;
  readonly nonce: string;
  readonly deadline: string;
  readonly signature: string;
  readonly permitDeadline: string;
  readonly permitSignature: string;
}

/** What the chain says now, read without writing. */
export interface ChainReader {
  permitNonce(owner: Address, token: Address): Promise<bigint>;
  allowanceWei(owner: Address, token: Address, spender: Address): Promise<bigint>;
  balanceWei(owner: Address, token: Address): Promise<bigint>;
  stake(
    provider: Address,
    registry: Address,
  ): Promise<{ readonly active: boolean; readonly stakedWei: bigint }>;
  minimumStakeWei(registry: Address): Promise<bigint>;
  /** Of a block that is on the chain. */
  blockHash(blockNumber: number): Promise<Bytes32>;
}

/** What the prover said of a key that it could not make. */
export interface KeyRefusal {
  readonly code: string;
  readonly message: string;
}

export interface PublishedModel {
  readonly modelId: number;
  readonly published: boolean;
  readonly owner: Address;
  readonly contentCid: ContentId;
  readonly modelCommitment: Uint8Array;
  /** Channels, height, width of its input, one byte an element. */
  readonly inputShape: readonly number[];
  /** Multiply-accumulates of one inference. */
  readonly workUnits: number;
  /** Of the Groth16 key. */
  readonly verifyingKeyHash: Uint8Array;
  /** Of the UltraHonk key; empty where the model has none. */
  readonly honkKeyHash: Uint8Array;
  /** Why it has none though its owner wanted one; undefined otherwise. */
  readonly honkRefusal: KeyRefusal | undefined;
  readonly usageFeeWei: string;
  readonly royaltyBps: number;
  readonly keyTrust: string;
}

export interface ModelCatalogue {
  /** Throws the marketplace's `model-not-found`. */
  model(modelId: number): Promise<PublishedModel>;
  licence(
    modelId: number,
    account: Address,
  ): Promise<{ readonly licenceId: number; readonly licencePriceWei: string }>;
}

export interface ProofQuote {
  readonly priceWei: string;
  readonly expectedMs: number;
  readonly trust: string;
  readonly prover: Address;
  /** Of verifying the proof on chain, about. */
  readonly verificationGas: number;
  /** "groth16-bn254", "ultrahonk-bn254". */
  readonly system: string;
  readonly absent: readonly AbsentProver[];
}

/** A prover of the same proofs on other hardware that could be expected and is not there. */
export interface AbsentProver {
  readonly name: string;
  readonly reason: string;
}

export type ProofSystem = "groth16" | "honk";

export interface ProofOutcome {
  readonly state: "running" | "proven" | "failed";
  readonly evidence: string;
  readonly evidenceCid: string;
  readonly error: JobError | undefined;
}

export interface Prover {
  quote(modelCommitment: Uint8Array, proofSystem: ProofSystem): Promise<ProofQuote>;
  /** Has the live lease's output proven. Asked again with the same output it answers how far the same proof is. */
  request(job: Job): Promise<ProofOutcome>;
  /** How far the job's proof is: at once and at every change, a few a second at most, until it has ended. For display. */
  watch(jobId: JobId, signal: AbortSignal): AsyncIterable<JobProgress>;
}

/** Encrypted inputs. */
export interface InputVault {
  /** Stores the ciphertext; answers its CID. */
  put(ciphertext: Uint8Array): Promise<ContentId>;
  /** Hands the content key to the key service for this job's leases and for proving. */
  depositKey(cid: ContentId, contentKey: Uint8Array, jobId: JobId): Promise<void>;
}

/** Connected providers. Sending is best effort: state is stored first and sent again when a provider reconnects. */
export interface ProviderLinks {
  online(): ReadonlySet<Address>;
  offerLease(job: Job): void;
  grantLease(job: Job): void;
  revokeLease(provider: Address, jobId: JobId, fencingToken: number, reason: string): void;
}
