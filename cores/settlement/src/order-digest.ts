import { type JobId, jobId } from "@aios/kernel/identifiers";
import type { TokenDomain } from "./permit.js";
import { type TypedData, typedDataDigest } from "./signed-data.js";
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

/**
 * Who did what for whom, how much, when and at what price; the only input to scores. Hex is lower case with 0x; times
 * are milliseconds since the Unix epoch.
 */
export interface Receipt {
  /** One of `RECEIPT_KINDS`. */
  readonly kind: number;
  readonly jobId: string;
  readonly provider: string;
  readonly counterparty: string;
  readonly modelCommitment: string;
  readonly inputCommitment: string;
  readonly outputHash: string;
  readonly startedAtMs: bigint;
  readonly finishedAtMs: bigint;
  /** How long the provider said it would take, or how long it said it would serve. */
  readonly promisedMs: bigint;
  /** Units of the kind: multiply-accumulates of an inference, examples of a training round, constraints of a proof. */
  readonly workUnits: bigint;
  /** Bytes held or produced; 0 where the work leaves none. */
  readonly storedBytes: bigint;
  readonly priceWei: bigint;
}

export interface ModelPublication {
  readonly owner: string;
  readonly modelCommitment: string;
  /** Of the Groth16 key. */
  readonly verifyingKeyHash: string;
  /** Of the UltraHonk key; zero where the model has none. */
  readonly honkKeyHash: string;
  /** Of the ceremony that made the key; zero for a key that one party alone made. */
  readonly ceremonyTranscriptHash: string;
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

/** A message whose integers may also stand as decimal strings, as JSON carries them. */
export type Written<T> = {
  readonly [Field in keyof T]: T[Field] extends bigint | number ? bigint | number | string : T[Field];
};

/** The job's id on and off chain: the order's digest under the domain of `JobEscrow`. */
export function jobIdOfOrder(escrowDomain: SigningDomain, order: Written<Order>): JobId {
  return jobId(typedDataDigest(orderTypedData(escrowDomain, order)));
}

/** The receipt's id: its digest under the domain of `ReceiptRegistry`; goes into `Delivery.receiptHash`. */
export function receiptDigest(registryDomain: SigningDomain, receipt: Written<Receipt>): string {
  return typedDataDigest(receiptTypedData(registryDomain, receipt));
}

export function orderTypedData(escrowDomain: SigningDomain, order: Written<Order>): TypedData {
  return { domain: escrowDomain, types: ORDER_TYPES, message: { ...order } };
}

export function leaseTermsTypedData(escrowDomain: SigningDomain, terms: Written<LeaseTerms>): TypedData {
  return { domain: escrowDomain, types: LEASE_TERMS_TYPES, message: { ...terms } };
}

export function deliveryTypedData(escrowDomain: SigningDomain, delivery: Written<Delivery>): TypedData {
  return { domain: escrowDomain, types: DELIVERY_TYPES, message: { ...delivery } };
}

export function acceptanceTypedData(escrowDomain: SigningDomain, acceptance: Written<Acceptance>): TypedData {
  return { domain: escrowDomain, types: ACCEPTANCE_TYPES, message: { ...acceptance } };
}

export function receiptTypedData(registryDomain: SigningDomain, receipt: Written<Receipt>): TypedData {
  return { domain: registryDomain, types: RECEIPT_TYPES, message: { ...receipt } };
}

export function modelPublicationTypedData(
  licenceDomain: SigningDomain,
  publication: Written<ModelPublication>,
): TypedData {
  return { domain: licenceDomain, types: MODEL_PUBLICATION_TYPES, message: { ...publication } };
}

export function licencePurchaseTypedData(
  licenceDomain: SigningDomain,
  purchase: Written<LicencePurchase>,
): TypedData {
  return { domain: licenceDomain, types: LICENCE_PURCHASE_TYPES, message: { ...purchase } };
}

export function providerRegistrationTypedData(
  providersDomain: SigningDomain,
  registration: Written<ProviderRegistration>,
): TypedData {
  return { domain: providersDomain, types: PROVIDER_REGISTRATION_TYPES, message: { ...registration } };
}

export function permitTypedData(token: TokenDomain, permit: Written<Permit>): TypedData {
  return { domain: token, types: PERMIT_TYPES, message: { ...permit } };
}
