import type { WorkKind } from "@aios/core-scheduler/placement-model";
import type { RequestedInference, RequestedTraining } from "@aios/core-settlement/request-hash";
import type { Address, Bytes32, ContentId, JobId, TenantId } from "@aios/kernel/identifiers";

/** Mirrors the escrow's states, with the off-chain ones before and between them. */
export type JobState =
  | "prepared"
  | "funding"
  | "funded"
  | "leased"
  | "delivered"
  | "pending"
  | "settled"
  | "refunded"
  | "failed";

export const TERMINAL_STATES: readonly JobState[] = ["settled", "refunded", "failed"];

/** Rungs of the verification ladder; "proof" is Groth16, "honk" UltraHonk. */
export type VerificationLevel = "none" | "sample" | "replicate" | "proof" | "honk";

/** Whether every delivery is proven, by whatever proof system. */
export function isProven(verification: VerificationLevel): boolean {
  return verification === "proof" || verification === "honk";
}

/** Whether the buyer's acceptance, or time, may settle it. */
export function isSettledByWord(verification: VerificationLevel): boolean {
  return verification === "none" || verification === "sample";
}

/** EIP-712 `Order`; integers as decimal strings so that it survives JSON. */
export interface Order {
  readonly buyer: Address;
  readonly jobKind: number;
  readonly modelId: string;
  readonly licenceId: string;
  readonly requestHash: Bytes32;
  readonly inputCommitment: Bytes32;
  readonly verifier: Address;
  readonly matcher: Address;
  readonly maxPriceWei: string;
  readonly leaseBy: string;
  readonly deliverWithinSeconds: string;
  readonly settleWithinSeconds: string;
  readonly nonce: string;
}

/** ERC-2612 permit that goes with the order; none where the allowance already suffices. */
export interface PermitTerms {
  readonly valueWei: string;
  readonly nonce: string;
  readonly deadline: string;
}

/** What was agreed when the job was prepared. Never changes afterwards. */
export interface JobTerms {
  readonly work: RequestedTraining | RequestedInference;
  readonly order: Order;
  readonly permit: PermitTerms | undefined;
  readonly contracts: JobContracts;
  readonly licenceId: number;
  /** Zeroes and empty text for training. */
  readonly modelCommitment: Bytes32;
  readonly modelOwner: Address | "";
  readonly modelCid: ContentId | "";
  readonly verifyingKeyHash: Bytes32;
  readonly inputCid: ContentId | "";
  readonly prover: Address;
  readonly proverFeeWei: string;
  readonly usageFeeWei: string;
  readonly royaltyBps: number;
  readonly protocolFeeBps: number;
  readonly challengeWindowSeconds: number;
  /** What the cap leaves for the provider after all fees. */
  readonly providerPriceCapWei: string;
  readonly requiredMemoryBytes: number;
  readonly workUnits: number;
  /** 0x hex, empty for inference. */
  readonly outputRecipientPublicKey: string;
  /** How many of 10,000 deliveries are drawn for a proof; 0 unless sampled. */
  readonly sampleShareBps: number;
  /** The most that the second provider may ask; "0" unless replicated. */
  readonly replicaPriceCapWei: string;
  /** What the buyer has to trust, in words, as it was quoted. */
  readonly trust: string;
}

export interface JobContracts {
  readonly chainId: number;
  readonly jobEscrow: Address;
  readonly wrappedAios: Address;
  readonly receiptRegistry: Address;
}

/** offered → agreed (terms signed) → leased (on chain) → computed (result stored) → ended. */
export type LeaseState = "offered" | "agreed" | "leased" | "computed" | "ended";

/**
 * A replica is computed before the job is leased on chain: its terms and its delivery are signed as a lease's, under a
 * fencing token of its own, and what it computed is kept to be compared with the lease's output.
 */
export type LeaseRole = "lease" | "replica";

/** How a replica's lease ends whose result is kept. */
export const REPLICA_KEPT = "replica-kept";

/** EIP-712 `LeaseTerms`. */
export interface LeaseTerms {
  readonly jobId: JobId;
  readonly provider: Address;
  readonly prover: Address;
  readonly fencingToken: string;
  readonly providerPriceWei: string;
  readonly proverFeeWei: string;
  readonly acceptBy: string;
}

/** What the provider delivered under a lease, checked and kept before it was acknowledged. */
export interface LeaseResult {
  /** 0x and 64 hex digits for inference, empty for training. */
  readonly output: string;
  readonly outputCid: string;
  readonly outputKeyJson: string;
  readonly delivery: Delivery;
  readonly deliverySignature: string;
  /** Canonical JSON of the EIP-712 `Receipt`. */
  readonly receiptJson: string;
  readonly receiptSignature: string;
}

/** EIP-712 `Delivery`. */
export interface Delivery {
  readonly jobId: JobId;
  readonly fencingToken: string;
  readonly output: string;
  readonly outputHash: Bytes32;
  readonly receiptHash: Bytes32;
}

/**
 * What the escrow holds as delivered under the live lease. Anyone may have submitted it, the provider too, and something
 * else than it handed over: this is what is proven, accepted and paid.
 */
export interface HeldDelivery {
  /** 0x and 64 hex digits; of a training it says nothing. Empty where it is not known. */
  readonly output: string;
  /** Empty where it is not known. */
  readonly outputHash: string;
  /** Of the block that holds it. */
  readonly blockNumber: number;
}

export interface Lease {
  readonly role: LeaseRole;
  readonly fencingToken: number;
  readonly provider: Address;
  readonly state: LeaseState;
  readonly terms: LeaseTerms;
  readonly signature: string;
  readonly offeredAtMs: number;
  /** An offer that is not answered by then goes to another provider. */
  readonly offerExpiresAtMs: number;
  readonly leasedAtMs: number;
  /** By the chain's clock; 0 until leased. */
  readonly deliverByMs: number;
  readonly leaseTransactionHash: string;
  readonly result: LeaseResult | undefined;
  /** The provider gave up, vanished, or its result was refused or refuted: the chain takes the lease back before it ends. */
  readonly failure: LeaseFailure | undefined;
  readonly endedBecause: string;
}

export interface LeaseFailure {
  readonly code: string;
  readonly message: string;
}

/** Writes to the chain that a job can need. */
export type ChainStep =
  | "open"
  | "lease"
  | "deliver"
  | "release"
  | "refute"
  | "settle"
  | "accept"
  | "finish"
  | "refund";

/** The latest attempt at one chain write. Its idempotency key follows from job, step, fencing token and attempt. */
export interface StepAttempt {
  readonly step: ChainStep;
  readonly fencingToken: number;
  readonly attempt: number;
  /** "void": it failed of something that has been mended since; only its number still counts. */
  readonly state: "submitted" | "succeeded" | "failed" | "void";
  readonly transactionId: string;
  /** When to look again: a lost event is asked for, a failed attempt repeated. */
  readonly checkAtMs: number;
  readonly error: JobError | undefined;
}

export interface JobError {
  readonly code: string;
  readonly message: string;
  readonly detailsJson: string;
}

export interface ProofProgress {
  readonly state: "none" | "requested" | "proven" | "failed";
  readonly fencingToken: number;
  readonly attempt: number;
  readonly checkAtMs: number;
  /** The prover has written the request down: only from then on can its work be watched. */
  readonly heldByProver: boolean;
  /** 0x hex, ready for `settle`, or for `refute` where there is a `refutingOutput`; empty until proven. */
  readonly evidence: string;
  readonly evidenceCid: string;
  readonly error: JobError | undefined;
  /** 0x and 64 hex digits: what the prover computed instead of the delivered output; undefined while it agrees. */
  readonly refutingOutput: string | undefined;
}

/** Whether a delivered job was drawn for a proof, by the hash of the block that holds its delivery and the job's secret. */
export interface SampleDraw {
  readonly drawn: boolean;
  readonly blockHash: Bytes32;
  /** Empty where there was none left that nobody knew. */
  readonly secret: Bytes32 | "";
}

export interface JobStepRecord {
  readonly name: string;
  readonly atMs: number;
  readonly transactionHash: string;
  readonly gasUsed: number;
  readonly note: string;
}

export interface JobProgress {
  readonly stage: string;
  readonly percent: number;
  readonly message: string;
  readonly figures: Readonly<Record<string, string>>;
}

/** Where the newest chain event about the job stands; older ones are not applied again. */
export interface ChainPosition {
  readonly blockNumber: number;
  readonly logIndex: number;
}

/** The job aggregate. Changed only through `job-transitions.ts`, under its row lock. */
export interface Job {
  readonly jobId: JobId;
  readonly tenant: TenantId;
  readonly buyer: Address;
  readonly kind: WorkKind;
  readonly verification: VerificationLevel;
  readonly state: JobState;
  readonly terms: JobTerms;
  readonly createdAtMs: number;
  readonly traceparent: string;
  readonly orderSignature: string;
  readonly permitSignature: string;
  readonly acceptanceSignature: string;
  readonly leases: readonly Lease[];
  readonly attempts: readonly StepAttempt[];
  readonly proof: ProofProgress;
  /** Of a sampled job that is delivered. */
  readonly draw: SampleDraw | undefined;
  /**
   * Of a sampled job: what its order's nonce commits to and its draw takes. Shown to nobody before the draw; empty once
   * it has been, as soon as another delivery may follow, and of other jobs.
   */
  readonly drawSecret: Bytes32 | "";
  /** While pending: when the challenge window is over. */
  readonly pendingUntilMs: number;
  readonly deliveredAtMs: number;
  /** Since the delivery, until the lease has ended without payment. */
  readonly held: HeldDelivery | undefined;
  readonly steps: readonly JobStepRecord[];
  readonly progress: JobProgress | undefined;
  readonly error: JobError | undefined;
  readonly chainPosition: ChainPosition;
  readonly settlementTransactionHash: string;
  /** When to look for a provider again; a waiting job backs off. */
  readonly placeAtMs: number;
  readonly placementRounds: number;
}

/** The one lease that has not ended, if any. */
export function liveLease(job: Job): Lease | undefined {
  return job.leases.find((lease) => lease.state !== "ended");
}

/** The lease whose result settled, or the live one: what people see as "the" lease. */
export function shownLease(job: Job): Lease | undefined {
  const live = liveLease(job);
  if (live?.role === "lease") return live;
  return job.leases.findLast((lease) => lease.endedBecause === "settled");
}

/** The second provider's result that the lease's is compared with, if there is one. */
export function keptReplica(job: Job): (Lease & { readonly result: LeaseResult }) | undefined {
  const kept = job.leases.findLast(
    (lease) => lease.role === "replica" && lease.endedBecause === REPLICA_KEPT,
  );
  return kept?.result === undefined ? undefined : { ...kept, result: kept.result };
}

export function isTerminalJob(job: Job): boolean {
  return TERMINAL_STATES.includes(job.state);
}

/** Tokens count up from 1 and are never used twice, so that an old holder is always recognised. */
export function nextFencingToken(job: Job): number {
  return 1 + job.leases.reduce((highest, lease) => Math.max(highest, lease.fencingToken), 0);
}

export function attemptOf(job: Job, step: ChainStep, fencingToken: number): StepAttempt | undefined {
  return job.attempts.find((attempt) => attempt.step === step && attempt.fencingToken === fencingToken);
}
