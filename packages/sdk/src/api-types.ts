/**
 * What the gateway's REST API speaks: JSON, camelCase, amounts as decimal strings of wei, bytes as 0x hex,
 * times in milliseconds since the Unix epoch. `null` means "not there (yet)".
 */
import type { Json } from "@aios/kernel/canonical-json";

/** 0x-prefixed hex. */
export type Hex = `0x${string}`;

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
export type JobKind = "training" | "inference";
/** Rungs of the verification ladder; "proof" is Groth16, "honk" UltraHonk. */
export type Verification = "none" | "sample" | "replicate" | "proof" | "honk";
export type ProofSystem = "groth16" | "honk";
export type ModelState = "draft" | "setting-up-keys" | "ready" | "publishing" | "published" | "failed";
export type TransactionState = "queued" | "sent" | "mined" | "final" | "failed";
export type ProofState = "queued" | "proving" | "proven" | "failed";

/** Where a unit of work stands. */
export interface Progress {
  readonly stage: string;
  /** 0 to 100. */
  readonly percent: number;
  readonly message: string;
  readonly figures: Readonly<Record<string, string>>;
}

/** An error as data, inside a resource. */
export interface ErrorInfo {
  readonly code: string;
  readonly message: string;
  readonly details: Json;
}

/** EIP-712 typed data, as `eth_signTypedData_v4` takes it. */
export interface TypedData {
  readonly domain: {
    readonly name: string;
    readonly version: string;
    readonly chainId: number | string;
    readonly verifyingContract: string;
  };
  readonly types: Readonly<Record<string, readonly { readonly name: string; readonly type: string }[]>>;
  readonly primaryType: string;
  readonly message: Readonly<Record<string, Json>>;
}

/** One thing the account is asked to sign: "order", "permit", "licence-purchase", "model-publication", "acceptance". */
export interface SigningRequest {
  readonly name: string;
  readonly typedData: TypedData;
}

export interface NamedSignature {
  readonly name: string;
  /** 65 bytes, r ‖ s ‖ v. */
  readonly signature: string;
}

export interface Session {
  readonly accessToken: string;
  readonly expiresAtMs: number;
  readonly account: string;
}

export interface SignInNonce {
  readonly nonce: string;
  readonly expiresAtMs: number;
  readonly chainId: number;
}

export interface Protocol {
  readonly chainId: number;
  readonly jsonRpcUrl: string;
  /** Name in the on-chain registry to address: "WrappedAios", "JobEscrow", … */
  readonly contracts: Readonly<Record<string, string>>;
  /** Platform accounts: "relayer", "matcher", "anchor", "treasury". */
  readonly accounts: Readonly<Record<string, string>>;
  readonly protocolFeeBps: number;
  readonly challengeWindowSeconds: number;
}

export interface Balances {
  readonly account: string;
  readonly nativeWei: string;
  readonly wrappedWei: string;
  readonly withdrawableWei: string;
  readonly stakedWei: string;
  readonly atBlock: number;
}

export interface StoredContent {
  readonly cid: string;
  readonly sizeBytes: number;
  readonly deduplicated: boolean;
}

export interface WrappingKey {
  readonly keyId: string;
  /** X25519, 32 bytes. */
  readonly publicKey: string;
}

/** A content key sealed to one recipient. */
export interface WireSealedKey {
  readonly ephemeralPublicKey: string;
  readonly nonce: string;
  readonly ciphertext: string;
}

export interface KeyRelease {
  readonly releaseId: string;
  readonly cid: string;
  readonly recipient: string;
  readonly purpose: string;
  readonly jobId: string | null;
  readonly fencingToken: number;
  readonly releasedAtMs: number;
}

export interface Model {
  readonly draftId: string;
  /** On-chain id; null until published. */
  readonly modelId: number | null;
  readonly state: ModelState;
  readonly owner: string;
  readonly name: string;
  readonly description: string;
  readonly contentCid: string;
  readonly modelCommitment: string;
  readonly verifyingKeyHash: string | null;
  readonly verifyingKeyCid: string | null;
  /** What the key asks a verifier to trust, in words. */
  readonly keyTrust: string | null;
  /** Of the ceremony that made the key, as on chain; null for a development key. */
  readonly ceremonyTranscriptHash: string | null;
  readonly ceremonyTranscriptCid: string | null;
  /** Channels, height, width of its input, one byte an element; null before the keys are made. */
  readonly inputShape: readonly number[] | null;
  /** Weight multiplications of one inference. */
  readonly multiplications: number | null;
  /** Of the UltraHonk key, as on chain; null where the model has none. */
  readonly honkKeyHash: string | null;
  readonly honkKeyCid: string | null;
  readonly honkKeyTrust: string | null;
  /** Why an UltraHonk key that was asked for could not be made. */
  readonly honkRefusal: ErrorInfo | null;
  readonly licencePriceWei: string;
  readonly royaltyBps: number;
  readonly usageFeeWei: string;
  readonly report: Json;
  readonly publicationTransactionHash: string | null;
  readonly createdAtMs: number;
  readonly progress: Progress | null;
  readonly error: ErrorInfo | null;
}

export interface PreparedPurchase {
  readonly purchaseId: string;
  readonly priceWei: string;
  readonly toSign: readonly SigningRequest[];
}

/** "Of so many samples, drawn at random from a committed test set, so many are classified right, by proof." */
export interface ModelCapability {
  readonly claimId: number;
  readonly state: "waiting-for-draw" | "given-up" | "open" | "proven" | "not-reached";
  readonly testSetRoot: string;
  readonly testSetSize: number;
  /** Who published the test set. */
  readonly publisher: string;
  /** Whose secret drew the samples. */
  readonly drawer: string;
  readonly drawCount: number;
  readonly answered: number;
  readonly correct: number;
  readonly minimumCorrect: number;
  /** Which one it is of this model's claims, whatever set they are about. */
  readonly attempt: number;
  /** Accuracy on the committed set that this speaks for, in 1/10,000; all attempts together err with a chance of 5%. */
  readonly accuracyAtLeastBps: number;
  readonly says: readonly string[];
  /** What has to be trusted, in sentences. */
  readonly trusted: readonly string[];
}

export interface Purchase {
  readonly purchaseId: string;
  readonly modelId: number;
  readonly buyer: string;
  readonly priceWei: string;
  readonly state: "prepared" | "submitted" | "owned" | "failed";
  readonly licenceId: number | null;
  readonly transactionHash: string | null;
  readonly error: ErrorInfo | null;
}

export interface TrainingSpec {
  /** "mnist-digits". */
  readonly dataSet: string;
  readonly seed: number;
  readonly epochs: number;
  readonly batchSize: number;
  /** Layer sizes, for example [784, 128, 10]. */
  readonly layers: readonly number[];
  readonly trainPerClass: number;
  readonly testPerClass: number;
  readonly shiftAugmentation: boolean;
}

export interface InferenceSpec {
  readonly modelId: number;
  /** One uint8 an element of the model's input, as hex. */
  readonly input: string;
}

/** Exactly one of the two. */
export type JobSpec =
  | { readonly training: TrainingSpec; readonly inference?: undefined }
  | { readonly inference: InferenceSpec; readonly training?: undefined };

export interface VerificationQuote {
  readonly verification: Verification;
  readonly priceWei: string;
  readonly expectedMs: number;
  /** What the buyer has to trust, in words. */
  readonly trust: string;
  /** Who sees the input, in words. */
  readonly visibility: string;
  /** Of the proof in the settling transaction, about; null where none is verified. */
  readonly verificationGas: number | null;
  /** What a proof would be made by: "groth16-bn254", "ultrahonk-bn254"; null where nothing is ever proven. */
  readonly proofSystem: string | null;
  /** Provers of the same proofs on other hardware, such as a GPU's, that are not there, and why. */
  readonly absent: readonly { readonly name: string; readonly reason: string }[];
}

/** A way to verify that the work cannot be bought with. */
export interface VerificationRefusal {
  readonly verification: Verification;
  readonly code: string;
  /** Why, in words; names what is offered instead. */
  readonly message: string;
  /** The way that takes the model where this one refuses it for its size; null otherwise. */
  readonly fits: Verification | null;
}

export interface JobQuotes {
  readonly quotes: readonly VerificationQuote[];
  readonly refusals: readonly VerificationRefusal[];
}

export interface JobStep {
  readonly name: string;
  readonly atMs: number;
  readonly transactionHash: string | null;
  readonly gasUsed: number | null;
  readonly note: string;
}

export interface Job {
  /** EIP-712 digest of the order. */
  readonly jobId: string;
  readonly state: JobState;
  readonly kind: JobKind;
  readonly verification: Verification;
  /** What the buyer has to trust, in words, as it was quoted. */
  readonly trust: string | null;
  readonly buyer: string;
  readonly modelId: number | null;
  readonly licenceId: number | null;
  readonly priceCapWei: string;
  readonly provider: string | null;
  /** Who computed a replicated job besides, once it has. */
  readonly replicaProvider: string | null;
  readonly fencingToken: number;
  readonly agreedPriceWei: string | null;
  readonly inputCid: string | null;
  readonly inputCommitment: string | null;
  /** Packed output, 32 bytes; null for training and before delivery. */
  readonly output: string | null;
  readonly outputCid: string | null;
  /** Content key of a training output, sealed to the buyer's key. */
  readonly outputKey: Json;
  readonly proofCid: string | null;
  readonly steps: readonly JobStep[];
  readonly progress: Progress | null;
  readonly error: ErrorInfo | null;
  readonly traceId: string;
  readonly createdAtMs: number;
  readonly receipt: Json;
  readonly order: Json;
}

export interface PreparedJobResponse {
  readonly job: Job;
  readonly toSign: readonly SigningRequest[];
  /** Opens the input commitment; null for training. */
  readonly inputSalt: string | null;
}

export interface PlacementCandidate {
  readonly provider: string;
  readonly chosen: boolean;
  /** Name of the filter that removed it; null when it passed all. */
  readonly removedBy: string | null;
  readonly explanation: string;
  readonly scoreParts: Readonly<Record<string, number>>;
  readonly score: number;
  readonly offeredPriceWei: string;
}

export interface Placement {
  readonly fencingToken: number;
  readonly decidedAtMs: number;
  /** All candidates, or of many the best and some that were removed. */
  readonly candidates: readonly PlacementCandidate[];
  readonly considered: number;
  /** How many each filter removed, by the first that they fail. */
  readonly removed: Readonly<Record<string, number>>;
  readonly endedBecause: string | null;
}

export interface PlacementExplanation {
  readonly placements: readonly Placement[];
  readonly advice: readonly string[];
}

export interface JobPayment {
  readonly kind:
    | "escrow"
    | "provider"
    | "prover"
    | "royalty"
    | "protocol-fee-burned"
    | "protocol-fee-treasury"
    | "refund"
    | "withdrawal";
  readonly account: string;
  readonly amountWei: string;
  readonly transactionHash: string;
  readonly blockNumber: number;
}

export interface MoneyExplanation {
  readonly state: string;
  readonly explanation: readonly string[];
  readonly nextActor: string | null;
  readonly deadlineSeconds: number | null;
}

export interface ProofJob {
  readonly jobId: string;
  readonly state: ProofState;
  readonly proofSystem: ProofSystem;
  /** Groth16: 256 bytes, A, B, C; UltraHonk: some 9 KB. */
  readonly proof: string | null;
  readonly publicInputs: readonly string[];
  /** abi.encode(bytes verifyingKey, bytes proof). */
  readonly evidence: string | null;
  readonly evidenceCid: string | null;
  readonly proveMs: number | null;
  /** What the proof's key asks a verifier to trust, in words. */
  readonly trust: string | null;
  readonly progress: Progress | null;
  readonly error: ErrorInfo | null;
}

export interface Receipt {
  /** EIP-712 digest. */
  readonly receiptId: string;
  readonly kind: string;
  readonly jobId: string;
  readonly provider: string;
  readonly counterparty: string;
  readonly message: Json;
  readonly providerSignature: string;
  readonly countersignedBy: string;
  readonly state: "pending" | "anchored" | "refused";
  readonly refusedBecause: string | null;
  readonly anchorRoot: string | null;
  readonly anchorTransactionHash: string | null;
}

export interface ReceiptProof {
  readonly receipt: Receipt;
  readonly batch: number;
  readonly root: string;
  readonly leafIndex: number;
  /** Sibling hashes from leaf to root. */
  readonly siblings: readonly string[];
}

export interface ContributionFeature {
  readonly name: string;
  readonly unit: string;
  readonly value: string;
  readonly explanation: string;
}

export interface Contribution {
  readonly account: string;
  readonly epoch: number;
  readonly level: number;
  readonly levelExplanation: string;
  readonly features: readonly ContributionFeature[];
  readonly countedReceipts: number;
}

export interface Provider {
  readonly address: string;
  readonly name: string;
  readonly online: boolean;
  readonly draining: boolean;
  readonly capabilities: {
    readonly cpuCores: number;
    readonly memoryBytes: number;
    readonly diskBytes: number;
    readonly gpus: readonly string[];
    readonly jobKinds: readonly string[];
    readonly maxParallelJobs: number;
    readonly softwareVersion: string;
  } | null;
  readonly selfTest: {
    readonly evaluatorMacsPerSecond: number;
    readonly trainingSamplesPerSecond: number;
    readonly resultHash: string;
    readonly measuredAtMs: number;
    readonly signature: string;
  } | null;
  readonly stakedWei: string;
  readonly registrationTransactionHash: string | null;
  readonly lastSeenMs: number;
  readonly runningJobs: number;
  readonly priceWei: Readonly<Record<string, string>>;
}

export interface ChainTransaction {
  readonly transactionId: string;
  readonly state: TransactionState;
  readonly transactionHash: string | null;
  readonly blockNumber: number | null;
  readonly gasUsed: number | null;
  readonly purpose: string;
  readonly error: ErrorInfo | null;
}

export interface PlatformHealth {
  readonly status: "ok" | "degraded";
  readonly version: string;
  readonly services: readonly {
    readonly name: string;
    readonly healthy: boolean;
    readonly detail: string;
    readonly latencyMs: number;
  }[];
}

/** A page of a list; `nextCursor` is null at the end. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly nextCursor: string | null;
}

/** RFC 9457 problem details, as the gateway writes them. */
export interface Problem {
  /** URI reference of the code's description. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly traceId: string;
  readonly instance?: string;
  readonly field?: string;
  /** Where the reason is explained further. */
  readonly why?: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** Public on a local network only, and only where its operator configured a demo key. */
export interface DemoInfo {
  readonly warning: string;
  readonly privateKey: string;
  readonly account: string;
}
