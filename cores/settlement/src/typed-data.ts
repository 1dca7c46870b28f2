/**
 * EIP-712 types that parties sign. The Solidity type hashes must equal these; the contract tests check it.
 * Domain: name "AiOS", version "1", the chain's id, the contract's address.
 */
export interface TypedDataField {
  readonly name: string;
  readonly type: string;
}

export type TypedDataTypes = Record<string, TypedDataField[]>;

export const DOMAIN_NAME = "AiOS";
export const DOMAIN_VERSION = "1";

export interface SigningDomain {
  readonly name: typeof DOMAIN_NAME;
  readonly version: typeof DOMAIN_VERSION;
  readonly chainId: bigint;
  readonly verifyingContract: string;
}

/** Domain of one of our contracts on one chain. */
export function signingDomain(chainId: bigint | number, verifyingContract: string): SigningDomain {
  return { name: DOMAIN_NAME, version: DOMAIN_VERSION, chainId: BigInt(chainId), verifyingContract };
}

/** What a buyer asks for and the most it pays. Verified by `JobEscrow`; its digest is the job id. */
export const ORDER_TYPES: TypedDataTypes = {
  Order: [
    { name: "buyer", type: "address" },
    { name: "jobKind", type: "uint8" },
    { name: "modelId", type: "uint256" },
    { name: "licenceId", type: "uint256" },
    { name: "requestHash", type: "bytes32" },
    { name: "inputCommitment", type: "bytes32" },
    { name: "verifier", type: "address" },
    { name: "matcher", type: "address" },
    { name: "maxPriceWei", type: "uint256" },
    { name: "leaseBy", type: "uint64" },
    { name: "deliverWithinSeconds", type: "uint64" },
    { name: "settleWithinSeconds", type: "uint64" },
    { name: "nonce", type: "uint256" },
  ],
};

/** What the provider agrees to. Verified by `JobEscrow.lease`. */
export const LEASE_TERMS_TYPES: TypedDataTypes = {
  LeaseTerms: [
    { name: "jobId", type: "bytes32" },
    { name: "provider", type: "address" },
    { name: "prover", type: "address" },
    { name: "fencingToken", type: "uint64" },
    { name: "providerPriceWei", type: "uint256" },
    { name: "proverFeeWei", type: "uint256" },
    { name: "acceptBy", type: "uint64" },
  ],
};

/** The provider's statement of what it delivered. Verified by `JobEscrow.deliver`. */
export const DELIVERY_TYPES: TypedDataTypes = {
  Delivery: [
    { name: "jobId", type: "bytes32" },
    { name: "fencingToken", type: "uint64" },
    { name: "output", type: "uint256" },
    { name: "outputHash", type: "bytes32" },
    { name: "receiptHash", type: "bytes32" },
  ],
};

/** The buyer takes an unproven result as delivered, before the challenge window ends. */
export const ACCEPTANCE_TYPES: TypedDataTypes = {
  Acceptance: [
    { name: "jobId", type: "bytes32" },
    { name: "fencingToken", type: "uint64" },
    { name: "outputHash", type: "bytes32" },
  ],
};

/** The only input to scores and rewards. Domain contract: `ReceiptRegistry`. */
export const RECEIPT_TYPES: TypedDataTypes = {
  Receipt: [
    { name: "kind", type: "uint8" },
    { name: "jobId", type: "bytes32" },
    { name: "provider", type: "address" },
    { name: "counterparty", type: "address" },
    { name: "modelCommitment", type: "bytes32" },
    { name: "inputCommitment", type: "bytes32" },
    { name: "outputHash", type: "bytes32" },
    { name: "startedAtMs", type: "uint64" },
    { name: "finishedAtMs", type: "uint64" },
    { name: "promisedMs", type: "uint64" },
    { name: "workUnits", type: "uint64" },
    { name: "storedBytes", type: "uint64" },
    { name: "priceWei", type: "uint256" },
  ],
};

/** Terms under which an owner publishes a model. Verified by `ModelLicence.publishModel`. */
export const MODEL_PUBLICATION_TYPES: TypedDataTypes = {
  ModelPublication: [
    { name: "owner", type: "address" },
    { name: "modelCommitment", type: "bytes32" },
    { name: "verifyingKeyHash", type: "bytes32" },
    { name: "honkKeyHash", type: "bytes32" },
    { name: "ceremonyTranscriptHash", type: "bytes32" },
    { name: "contentCid", type: "string" },
    { name: "licencePriceWei", type: "uint256" },
    { name: "usageFeeWei", type: "uint256" },
    { name: "royaltyBps", type: "uint16" },
    { name: "nonce", type: "uint256" },
    { name: "deadline", type: "uint64" },
  ],
};

/** A buyer takes a licence at no more than the price it saw. Verified by `ModelLicence.purchaseLicence`. */
export const LICENCE_PURCHASE_TYPES: TypedDataTypes = {
  LicencePurchase: [
    { name: "buyer", type: "address" },
    { name: "modelId", type: "uint256" },
    { name: "maxPriceWei", type: "uint256" },
    { name: "nonce", type: "uint256" },
    { name: "deadline", type: "uint64" },
  ],
};

/** A provider joins with a stake. Verified by `ProviderRegistry.register`. */
export const PROVIDER_REGISTRATION_TYPES: TypedDataTypes = {
  ProviderRegistration: [
    { name: "provider", type: "address" },
    { name: "stakeWei", type: "uint256" },
    { name: "capabilitiesHash", type: "bytes32" },
    { name: "selfTestHash", type: "bytes32" },
    { name: "nonce", type: "uint256" },
    { name: "deadline", type: "uint64" },
  ],
};

/** ERC-2612; its domain is the token's own: name "Wrapped AIOS", version "1". */
export const PERMIT_TYPES: TypedDataTypes = {
  Permit: [
    { name: "owner", type: "address" },
    { name: "spender", type: "address" },
    { name: "value", type: "uint256" },
    { name: "nonce", type: "uint256" },
    { name: "deadline", type: "uint256" },
  ],
};

/** Values of `Order.jobKind`. */
export const JOB_KIND = { training: 1, inference: 2 } as const;

/** Kinds of work a receipt may speak of: values of `Receipt.kind`. */
export const RECEIPT_KINDS = {
  lease: 1,
  "storage-audit": 2,
  retrieval: 3,
  proof: 4,
  inference: 5,
  "training-round": 6,
  moderation: 7,
  "block-production": 8,
} as const;

export type ReceiptKind = keyof typeof RECEIPT_KINDS;
