import { type Address, type Bytes32, bytes32, type TenantId } from "@aios/kernel/identifiers";

/** draft → setting-up-keys → ready → publishing → published; failed when the keys cannot be made. */
export type ModelState = "draft" | "setting-up-keys" | "ready" | "publishing" | "published" | "failed";

export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly detailsJson: string;
}

/** What the owner offers; never changes after the draft is made. */
export interface ModelTerms {
  readonly name: string;
  readonly description: string;
  readonly contentCid: string;
  readonly modelCommitment: Bytes32;
  readonly licencePriceWei: bigint;
  readonly royaltyBps: number;
  readonly usageFeeWei: bigint;
  readonly reportJson: string;
}

/** A finished ceremony that made the model's key, as contents of the storage service. */
export interface KeyCeremony {
  readonly transcriptCid: string;
  readonly provingKeyCid: string;
  readonly powersCid: string;
}

export interface VerifyingKey {
  /** Of the model, as the prover read it: channels, height, width of its input; empty where it did not say. */
  readonly inputShape: readonly number[];
  /** Weight multiplications of one inference; 0 where the prover did not say. */
  readonly multiplications: number;
  readonly hash: Bytes32;
  readonly cid: string;
  /** What the key asks a verifier to trust, in words. */
  readonly trust: string;
  /** Of the key's ceremony; `undefined` for a development key. */
  readonly ceremony: { readonly transcriptHash: Bytes32; readonly transcriptCid: string } | undefined;
}

/** Each model has a Groth16 key; an UltraHonk key is made besides where its owner asks for one. */
export type ProofSystem = "groth16" | "honk";

export interface HonkKey {
  readonly hash: Bytes32;
  readonly cid: string;
  /** What the key asks a verifier to trust, in words. */
  readonly trust: string;
}

/** The origin of a key as the prover tells it: an empty hash stands for no ceremony. */
export function keyOrigin(transcriptHash: Uint8Array, transcriptCid: string): VerifyingKey["ceremony"] {
  if (transcriptHash.length === 0) return undefined;
  const hex = `0x${Buffer.from(transcriptHash).toString("hex")}`;
  return { transcriptHash: bytes32(hex, "ceremonyTranscriptHash"), transcriptCid };
}

/** What the chain has where a key is from no ceremony, or there is no UltraHonk key. */
export const ZERO_WORD = `0x${"00".repeat(32)}` as Bytes32;

/** What one signature of the owner is about. */
export interface Publication {
  readonly nonce: bigint;
  readonly deadlineSeconds: bigint;
  readonly signature: Uint8Array | undefined;
}

export interface Model extends ModelTerms {
  readonly draftId: string;
  /** `undefined`: the prover makes a development key. */
  readonly ceremony: KeyCeremony | undefined;
  readonly sequence: bigint;
  readonly tenant: TenantId;
  readonly owner: Address;
  readonly state: ModelState;
  /** Under Groth16. */
  readonly verifyingKey: VerifyingKey | undefined;
  readonly wantsHonkKey: boolean;
  readonly honkKey: HonkKey | undefined;
  /** Why an UltraHonk key could not be made; the model is offered without it. */
  readonly honkRefusal: Failure | undefined;
  readonly publication: Publication | undefined;
  /** Number on chain; `undefined` until published. */
  readonly modelId: bigint | undefined;
  readonly transactionHash: string;
  readonly failure: Failure | undefined;
  readonly createdAtMs: number;
}

/** A model as its owner published it on chain, where terms never change. */
export interface ChainModel {
  readonly modelId: bigint;
  readonly owner: Address;
  readonly modelCommitment: Bytes32;
  readonly verifyingKeyHash: Bytes32;
  readonly honkKeyHash: Bytes32;
  readonly ceremonyTranscriptHash: Bytes32;
  readonly contentCid: string;
  readonly licencePriceWei: bigint;
  readonly usageFeeWei: bigint;
  readonly royaltyBps: number;
  readonly transactionHash: string;
}

/** Names of the terms that the chain has otherwise than the draft; empty where both agree. */
export function differingTerms(draft: Model, onChain: ChainModel): readonly string[] {
  const agreed: Readonly<Record<string, boolean>> = {
    owner: draft.owner === onChain.owner,
    modelCommitment: draft.modelCommitment === onChain.modelCommitment,
    verifyingKeyHash: draft.verifyingKey?.hash === onChain.verifyingKeyHash,
    honkKeyHash: (draft.honkKey?.hash ?? ZERO_WORD) === onChain.honkKeyHash,
    ceremonyTranscriptHash:
      (draft.verifyingKey?.ceremony?.transcriptHash ?? ZERO_WORD) === onChain.ceremonyTranscriptHash,
    contentCid: draft.contentCid === onChain.contentCid,
    licencePriceWei: draft.licencePriceWei === onChain.licencePriceWei,
    usageFeeWei: draft.usageFeeWei === onChain.usageFeeWei,
    royaltyBps: draft.royaltyBps === onChain.royaltyBps,
  };
  return Object.keys(agreed).filter((term) => agreed[term] === false);
}

/** Why a draft that was published under other terms is not listed. */
export function publishedTermsDiffer(modelId: bigint, terms: readonly string[]): Failure {
  return {
    code: "published-terms-differ",
    message: `The owner published this model on chain under other terms (${terms.join(", ")}); it is not listed.`,
    detailsJson: JSON.stringify({ modelId: modelId.toString(), terms }),
  };
}

export type PurchaseState = "prepared" | "submitted" | "owned" | "failed";

export interface Purchase {
  readonly purchaseId: string;
  readonly tenant: TenantId;
  readonly buyer: Address;
  readonly modelId: bigint;
  readonly priceWei: bigint;
  readonly state: PurchaseState;
  readonly nonce: bigint;
  readonly deadlineSeconds: bigint;
  /** ERC-2612 nonce of the buyer when the permit was prepared. */
  readonly permitNonce: bigint;
  readonly purchaseSignature: Uint8Array | undefined;
  readonly permitSignature: Uint8Array | undefined;
  readonly licenceId: bigint | undefined;
  readonly transactionHash: string;
  readonly failure: Failure | undefined;
}

export interface Licence {
  readonly licenceId: bigint;
  readonly modelId: bigint;
  readonly owner: Address;
}
