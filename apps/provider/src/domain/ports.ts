import type { SealedKey } from "@aios/core-sealing/sealed-key";
import type { TypedData } from "@aios/core-settlement/signed-data";
import type { Address, ContentId, JobId } from "@aios/kernel/identifiers";
import type { AgreedTerms } from "./agreed-terms.js";
import type { SignedStake, StakedToken } from "./registration.js";

/** The provider's own key; it does not leave the adapter. Signatures are 65 bytes, r ‖ s ‖ v. */
export interface Signer {
  readonly address: Address;
  /** EIP-191. */
  signText(text: string): Uint8Array;
  /** EIP-712. */
  signTypedData(data: TypedData): Uint8Array;
}

/** Which lease, in every message: the token tells a lease from an earlier one of the same job. */
export interface LeaseRef {
  readonly jobId: JobId;
  readonly fencingToken: number;
}

/** Contents and their keys. */
export interface Contents {
  /** Throws `content-not-found`, `content-hash-mismatch`, `content-too-large`, `peer-unavailable`. */
  fetch(cid: ContentId, signal: AbortSignal): Promise<Uint8Array>;
  /** The content key, released to this lease and opened. Throws storage's refusals, for example `lease-not-live`. */
  fetchKey(cid: ContentId, lease: LeaseRef, signal: AbortSignal): Promise<Uint8Array>;
  /** Stores ciphertext. Throws `storage-full`, `peer-unavailable`. */
  store(category: "training-output", ciphertext: Uint8Array, signal: AbortSignal): Promise<ContentId>;
}

/** What to train, as ordered. */
export interface TrainingPlan {
  /** "mnist-digits". */
  readonly dataSet: string;
  /** 32 bits: decides split, initial weights, order and shifts. */
  readonly seed: number;
  readonly epochs: number;
  readonly batchSize: number;
  /** Layer sizes, input first. */
  readonly layers: readonly number[];
  readonly trainPerClass: number;
  readonly testPerClass: number;
  /** Moves each training image by up to one pixel, anew in each epoch. */
  readonly shiftAugmentation: boolean;
}

export interface TrainingProgress {
  /** Epochs done. */
  readonly epoch: number;
  readonly epochs: number;
  /** Share of unseen images that are recognised, 0 to 1. */
  readonly accuracy: number;
}

export interface TrainedModel {
  /** `encodeFloatModel` of core-zkml. */
  readonly model: Uint8Array;
  readonly accuracy: number;
  readonly trainedOn: number;
  readonly testedOn: number;
  readonly samplesSeen: number;
}

/** Trains models. Adapters pass `test/conformance/trainer.conformance.ts`. */
export interface Trainer {
  /** Same plan, same machine: same model. Rejects with the signal's reason when it aborts; throws `training-failed`. */
  train(
    plan: TrainingPlan,
    onProgress: (progress: TrainingProgress) => void,
    signal: AbortSignal,
  ): Promise<TrainedModel>;
  /** Samples a second of a short reference training. */
  measureSamplesPerSecond(signal: AbortSignal): Promise<number>;
}

export interface StoredLease extends LeaseRef {
  /** The grant as it came in, encoded. */
  readonly grant: Uint8Array;
  /** The result or failure to hand over, encoded; absent while the work is not done. */
  readonly outcome: Uint8Array | undefined;
}

/** What this provider has signed for and owes, on disk: survives its death. One entry a lease. Throws `disk-full`. */
export interface LeaseJournal {
  /** Every lease that was granted. */
  all(): Promise<readonly StoredLease[]>;
  /** Every lease that was agreed to, granted or not. */
  agreed(): Promise<readonly (LeaseRef & { readonly terms: AgreedTerms })[]>;
  putTerms(lease: LeaseRef, terms: AgreedTerms): Promise<void>;
  putGrant(lease: LeaseRef, grant: Uint8Array): Promise<void>;
  putOutcome(lease: LeaseRef, outcome: Uint8Array): Promise<void>;
  /** Terms, grant and outcome. */
  remove(lease: LeaseRef): Promise<void>;
}

/** Every stake that was ever signed away, on disk: the limit is one for all connections. Throws `disk-full`. */
export interface StakeLedger {
  /** Of this token, at most one for each permit nonce. */
  signed(token: StakedToken): Promise<readonly SignedStake[]>;
  /** Before the signature leaves. Under the same permit nonce of a token the larger one stays. */
  add(token: StakedToken, stake: SignedStake): Promise<void>;
}

export type { SealedKey };
