import type { Address, JobId } from "@aios/kernel/identifiers";

/** Kinds of work a provider can offer. */
export type WorkKind = "training" | "inference";

/** What one job needs from a provider. Money in wei, sizes in bytes. */
export interface PlacementRequest {
  readonly jobId: JobId;
  readonly kind: WorkKind;
  /** The most the provider's own price may be: the buyer's cap less all fees. */
  readonly providerPriceCapWei: bigint;
  readonly requiredMemoryBytes: number;
  /** Multiply-accumulates for inference, samples for training: what the promised speed is held against. */
  readonly workUnits: number;
  /** Providers whose lease on this job ended without a result, and why. Their fencing tokens are burned. */
  readonly burned: readonly BurnedLease[];
  /** How many of the tenant's recent jobs each provider took; spreads a tenant over providers. */
  readonly recentByProvider: ReadonlyMap<Address, number>;
}

export interface BurnedLease {
  readonly provider: Address;
  readonly reason: string;
}

/** What is known of one provider at the moment of the decision. */
export interface ProviderOffer {
  readonly address: Address;
  readonly online: boolean;
  readonly draining: boolean;
  readonly registered: boolean;
  readonly stakedWei: bigint;
  readonly selfTest: SelfTestFigures | undefined;
  readonly softwareVersion: string;
  readonly kinds: readonly WorkKind[];
  readonly memoryBytes: number;
  readonly maxParallelJobs: number;
  readonly runningJobs: number;
  /** Wei for one job of the kind; a kind without a price is not offered. */
  readonly priceWei: Partial<Readonly<Record<WorkKind, bigint>>>;
  /** Contribution level in thousandths of the highest, 0 to 1000. */
  readonly levelThousandths: number;
  /** Proven wrong this often lately; over the policy's limit the provider is not used. */
  readonly recentFaults: number;
}

export interface SelfTestFigures {
  readonly resultHash: string;
  readonly evaluatorMacsPerSecond: number;
  readonly trainingSamplesPerSecond: number;
}

/** Rules of one market. Weights are thousandths and sum to 1000. */
export interface PlacementPolicy {
  readonly minimumStakeWei: bigint;
  readonly minimumSoftwareVersion: string;
  /** Result of the deterministic self-test on a healthy machine; empty accepts any. */
  readonly expectedSelfTestHash: string;
  readonly maximumRecentFaults: number;
  /** The speed that scores half of the speed part. */
  readonly referenceSpeed: Readonly<Record<WorkKind, number>>;
  readonly weights: Readonly<Record<ScorePart, number>>;
}

export type ScorePart = "price" | "speed" | "load" | "level" | "spread";
export const SCORE_PARTS: readonly ScorePart[] = ["price", "speed", "load", "level", "spread"];

/** In the order in which they are asked; the first that fails is named as the one that removed a candidate. */
export const FILTERS = [
  "registered",
  "staked",
  "online",
  "draining",
  "self-test",
  "software-version",
  "faults",
  "job-kind",
  "memory",
  "price-cap",
  "capacity",
  "burned-lease",
] as const;
export type FilterName = (typeof FILTERS)[number];

export type Scores = Readonly<Record<ScorePart, number>>;

/** Everything that was decided about one candidate. */
export interface CandidateExplanation {
  readonly provider: Address;
  readonly chosen: boolean;
  /** Every filter that fails, in order of `FILTERS`; empty for an eligible candidate. */
  readonly failed: readonly FilterName[];
  readonly removedBy: FilterName | undefined;
  /** One sentence: why it was removed and what would change that, or how it scored. */
  readonly explanation: string;
  /** Thousandths, before weights; undefined for removed candidates. */
  readonly scoreParts: Scores | undefined;
  readonly score: number;
  readonly offeredPriceWei: bigint | undefined;
}

export interface PlacementDecision {
  readonly jobId: JobId;
  readonly chosen: Address | undefined;
  readonly offeredPriceWei: bigint | undefined;
  /** In ascending order of address; all of them, or as many as were asked for. */
  readonly candidates: readonly CandidateExplanation[];
  /** Offers that were looked at, whether explained one by one or not. */
  readonly considered: number;
  /** How many offers each filter removed, by the first filter that they fail. */
  readonly removed: Readonly<Partial<Record<FilterName, number>>>;
  /** What would place the job; empty when it was placed. */
  readonly advice: readonly PlacementAdvice[];
}

/** Which candidates a decision explains one by one; the counts and the advice always speak of all. */
export interface ExplanationScope {
  /** The chosen one and the next best, then the removed ones. */
  readonly most: number;
  /** One that is explained in any case. */
  readonly provider?: Address | undefined;
}

/** A change that would place the job, as data and as a sentence. */
export type PlacementAdvice =
  | {
      readonly code: "raise-price-cap";
      readonly cheapestWei: bigint;
      readonly capWei: bigint;
      readonly providers: number;
      readonly message: string;
    }
  | {
      readonly code: "wait-for-capacity" | "bring-providers-online" | "fix-providers" | "add-providers";
      readonly filter: FilterName | undefined;
      readonly providers: number;
      readonly message: string;
    };
