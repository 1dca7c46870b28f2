import type { Capability } from "@aios/core-capability/capability";
import type { Address, Bytes32, TenantId } from "@aios/kernel/identifiers";
import type {
  ChainModel,
  Failure,
  HonkKey,
  KeyCeremony,
  Licence,
  Model,
  ModelTerms,
  ProofSystem,
  Purchase,
  VerifyingKey,
} from "./model.js";
import type { SigningContext } from "./typed-data.js";

/** What came of a model's key under one proof system. */
export type EndedKey =
  | { readonly proofSystem: "groth16"; readonly result: VerifyingKey | Failure }
  | { readonly proofSystem: "honk"; readonly result: HonkKey | Failure };

/** Drafts and published models. Every method is one database transaction. */
export interface ModelStore {
  /**
   * Stores a draft, or returns the owner's draft of this commitment. Throws `model-already-drafted` for other terms, and
   * for other keys or another ceremony unless the draft has failed: it is then tried again with those. A draft whose
   * UltraHonk key was refused is also the one without it.
   */
  create(
    tenant: TenantId,
    owner: Address,
    terms: ModelTerms,
    keys: WantedKeys,
    nowMs: number,
  ): Promise<Model>;
  /** Throws `model-not-found`. */
  byDraft(draftId: string): Promise<Model>;
  /** Throws `model-not-found`. */
  byModelId(modelId: bigint): Promise<Model>;
  /** Published models, newest first; only those drafted before the sequence, where one is given. */
  published(before: bigint | undefined, limit: number): Promise<readonly Model[]>;
  inState(state: Model["state"], limit: number): Promise<readonly Model[]>;
  keysBegun(draftId: string, nowMs: number): Promise<void>;
  /**
   * Keeps what came of one key with every waiting draft of this commitment. A draft is ready once it has its Groth16 key,
   * and its UltraHonk key, where one is wanted, is there or refused; without the first it fails.
   */
  keyEnded(modelCommitment: Bytes32, ended: EndedKey, nowMs: number): Promise<void>;
  /** Sets nonce and deadline of a ready model that has no live ones. Returns the model as it is then. */
  preparePublication(
    draftId: string,
    nonce: bigint,
    deadlineSeconds: bigint,
    renewBefore: bigint,
    nowMs: number,
  ): Promise<Model>;
  /** ready → publishing with the signature; no change when publishing or published. */
  submitPublication(draftId: string, signature: Uint8Array, nowMs: number): Promise<Model>;
  /** publishing → ready with the failure, for the publication with this nonce. */
  publicationFailed(draftId: string, nonce: bigint, failure: Failure, nowMs: number): Promise<void>;
  /**
   * ready or publishing → published where the chain has the draft's terms, else → failed with
   * `published-terms-differ`. No change in other states.
   */
  publishedOnChain(onChain: ChainModel, nowMs: number): Promise<void>;
}

/** The keys that a draft is to have. */
export interface WantedKeys {
  /** That made the Groth16 key. */
  readonly ceremony: KeyCeremony | undefined;
  readonly honk: boolean;
}

export interface NewPurchase {
  readonly tenant: TenantId;
  readonly buyer: Address;
  readonly modelId: bigint;
  readonly priceWei: bigint;
  readonly nonce: bigint;
  readonly deadlineSeconds: bigint;
  readonly permitNonce: bigint;
}

/** Purchases and licences. Every method is one database transaction. */
export interface PurchaseStore {
  /** Throws `purchase-not-found`. */
  byId(purchaseId: string): Promise<Purchase>;
  /** The buyer's purchase of this model that is under way, renewed when prepared and unsigned; else a new one. */
  prepare(purchase: NewPurchase, nowMs: number): Promise<Purchase>;
  /** prepared → submitted with both signatures; no change afterwards. */
  submit(purchaseId: string, purchase: Uint8Array, permit: Uint8Array, nowMs: number): Promise<Purchase>;
  submitted(limit: number): Promise<readonly Purchase[]>;
  failed(purchaseId: string, failure: Failure, nowMs: number): Promise<void>;
  /** Records the licence; the buyer's submitted purchase of the model becomes owned. */
  licensed(licence: Licence, priceWei: bigint, transactionHash: string, nowMs: number): Promise<void>;
  licencesOf(modelId: bigint, owner: Address, limit: number): Promise<readonly Licence[]>;
}

export type KeyProgress =
  | {
      readonly kind: "setting-up";
      readonly stage: string;
      readonly percent: number;
      readonly message: string;
    }
  | { readonly kind: "ready"; readonly key: VerifyingKey }
  | { readonly kind: "failed"; readonly failure: Failure };

/** The zk-prover. Throws `peer-unavailable` when it does not answer. */
export interface KeyMaker {
  /** A ceremony goes with Groth16 only. */
  setUp(
    contentCid: string,
    modelCommitment: Bytes32,
    proofSystem: ProofSystem,
    ceremony?: KeyCeremony,
  ): Promise<KeyProgress>;
  progress(modelCommitment: Bytes32, proofSystem: ProofSystem): Promise<KeyProgress>;
}

/** The storage service. Throws `peer-unavailable` when it does not answer. */
export interface ContentOwners {
  /** Tenant that stored the content first. Throws `content-not-found`. */
  ownerOf(contentCid: string): Promise<TenantId>;
}

/** The economy service: protocol facts and the chain-write outbox. */
export interface ChainWriter {
  signingContext(): Promise<SigningContext>;
  wrappedBalanceWei(account: Address): Promise<bigint>;
  publishModel(idempotencyKey: string, data: Uint8Array): Promise<void>;
  purchaseLicence(idempotencyKey: string, data: Uint8Array): Promise<void>;
}

/** What the chain has about capability claims. Throws `chain-unavailable`. */
export interface CapabilityReader {
  /** The newest claims about a published model, newest first, at most `limit`. */
  capabilitiesOf(modelId: bigint, limit: number): Promise<readonly Capability[]>;
}

/** Plain reads of contracts. Throws `chain-unavailable`. */
export interface ChainReader {
  permitNonce(token: Address, owner: Address): Promise<bigint>;
  isLicensed(modelLicence: Address, modelId: bigint, licenceId: bigint, account: Address): Promise<boolean>;
}
