import { type JobId, jobId } from "@aios/kernel/identifiers";
import { type TypedDataDomain, TypedDataEncoder } from "ethers";
import {
  ACCEPTANCE_TYPES,
  DELIVERY_TYPES,
  LEASE_TERMS_TYPES,
  LICENCE_PURCHASE_TYPES,
  MODEL_PUBLICATION_TYPES,
  ORDER_TYPES,
  PERMIT_TYPES,
  PROVIDER_REGISTRATION_TYPES,
  RECEIPT_TYPES,
  type SigningDomain,
  type TypedDataTypes,
} from "./typed-data.js";

export interface Order {
  readonly buyer: string;
  readonly jobKind: number;
  readonly modelId: bigint;
  readonly licenceId: bigint;
  readonly requestHash: string;
  readonly inputCommitment: string;
  readonly verifier: string;
  readonly matcher: string;
  readonly maxPriceWei: bigint;
  readonly leaseBy: bigint;
  readonly deliverWithinSeconds: bigint;
  readonly settleWithinSeconds: bigint;
  readonly nonce: bigint;
}

export interface LeaseTerms {
  readonly jobId: string;
  readonly provider: string;
  readonly prover: string;
  readonly fencingToken: bigint;
  readonly providerPriceWei: bigint;
  readonly proverFeeWei: bigint;
  readonly acceptBy: bigint;
}

export interface Delivery {
  readonly jobId: string;
  readonly fencingToken: bigint;
  readonly output: bigint;
  readonly outputHash: string;
  readonly receiptHash: string;
}

export interface Acceptance {
  readonly jobId: string;
  readonly fencingToken: bigint;
  readonly outputHash: string;
}

export interface Receipt {
  readonly kind: number;
  readonly jobId: string;
  readonly provider: string;
  readonly counterparty: string;
  readonly modelCommitment: string;
  readonly inputCommitment: string;
  readonly outputHash: string;
  readonly startedAtMs: bigint;
  readonly finishedAtMs: bigint;
  readonly promisedMs: bigint;
  readonly workUnits: bigint;
  readonly storedBytes: bigint;
  readonly priceWei: bigint;
}

export interface ModelPublication {
  readonly owner: string;
  readonly modelCommitment: string;
  readonly verifyingKeyHash: string;
  readonly contentCid: string;
  readonly licencePriceWei: bigint;
  readonly usageFeeWei: bigint;
  readonly royaltyBps: number;
  readonly nonce: bigint;
  readonly deadline: bigint;
}

export interface LicencePurchase {
  readonly buyer: string;
  readonly modelId: bigint;
  readonly maxPriceWei: bigint;
  readonly nonce: bigint;
  readonly deadline: bigint;
}

export interface ProviderRegistration {
  readonly provider: string;
  readonly stakeWei: bigint;
  readonly capabilitiesHash: string;
  readonly selfTestHash: string;
  readonly nonce: bigint;
  readonly deadline: bigint;
}

export interface Permit {
  readonly owner: string;
  readonly spender: string;
  readonly value: bigint;
  readonly nonce: bigint;
  readonly deadline: bigint;
}

/** The JSON that `eth_signTypedData_v4` takes: integers as decimal strings, `EIP712Domain` spelled out. */
export interface TypedDataPayload {
  readonly domain: Readonly<Record<string, unknown>>;
  readonly types: Readonly<Record<string, readonly { readonly name: string; readonly type: string }[]>>;
  readonly primaryType: string;
  readonly message: Readonly<Record<string, unknown>>;
}

/** The message as the wallet's JSON. Throws what ethers throws where a field is missing or out of its type's range. */
export function typedDataPayload(
  domain: TypedDataDomain,
  types: TypedDataTypes,
  message: object,
): TypedDataPayload {
  return TypedDataEncoder.getPayload(domain, types, message) as TypedDataPayload;
}

/** EIP-712 digest, 0x hex: what is signed. */
export function typedDataDigest(domain: TypedDataDomain, types: TypedDataTypes, message: object): string {
  return TypedDataEncoder.hash(domain, types, message);
}

/** The job's id on and off chain: the order's digest under the domain of `JobEscrow`. */
export function jobIdOfOrder(escrowDomain: SigningDomain, order: Order): JobId {
  return jobId(typedDataDigest(escrowDomain, ORDER_TYPES, order));
}

/** The receipt's id: its digest under the domain of `ReceiptRegistry`; goes into `Delivery.receiptHash`. */
export function receiptDigest(registryDomain: SigningDomain, receipt: Receipt): string {
  return typedDataDigest(registryDomain, RECEIPT_TYPES, receipt);
}

export function orderTypedData(escrowDomain: SigningDomain, order: Order): TypedDataPayload {
  return typedDataPayload(escrowDomain, ORDER_TYPES, order);
}

export function leaseTermsTypedData(escrowDomain: SigningDomain, terms: LeaseTerms): TypedDataPayload {
  return typedDataPayload(escrowDomain, LEASE_TERMS_TYPES, terms);
}

export function deliveryTypedData(escrowDomain: SigningDomain, delivery: Delivery): TypedDataPayload {
  return typedDataPayload(escrowDomain, DELIVERY_TYPES, delivery);
}

export function acceptanceTypedData(escrowDomain: SigningDomain, acceptance: Acceptance): TypedDataPayload {
  return typedDataPayload(escrowDomain, ACCEPTANCE_TYPES, acceptance);
}

export function receiptTypedData(registryDomain: SigningDomain, receipt: Receipt): TypedDataPayload {
  return typedDataPayload(registryDomain, RECEIPT_TYPES, receipt);
}

export function modelPublicationTypedData(
  licenceDomain: SigningDomain,
  publication: ModelPublication,
): TypedDataPayload {
  return typedDataPayload(licenceDomain, MODEL_PUBLICATION_TYPES, publication);
}

export function licencePurchaseTypedData(
  licenceDomain: SigningDomain,
  purchase: LicencePurchase,
): TypedDataPayload {
  return typedDataPayload(licenceDomain, LICENCE_PURCHASE_TYPES, purchase);
}

export function providerRegistrationTypedData(
  providersDomain: SigningDomain,
  registration: ProviderRegistration,
): TypedDataPayload {
  return typedDataPayload(providersDomain, PROVIDER_REGISTRATION_TYPES, registration);
}

export function permitTypedData(tokenDomain: TypedDataDomain, permit: Permit): TypedDataPayload {
  return typedDataPayload(tokenDomain, PERMIT_TYPES, permit);
}
