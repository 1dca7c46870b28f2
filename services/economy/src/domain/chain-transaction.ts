import type { Address } from "@aios/kernel/identifiers";

export const SIGNERS = ["relayer", "matcher", "anchor"] as const;
/** Whose key signs. */
export type Signer = (typeof SIGNERS)[number];

/** Money of jobs goes first; what nobody's money waits for has a place of its own behind it. */
export const LANES = ["money", "sponsored"] as const;
export type Lane = (typeof LANES)[number];

/**
 * queued → sent → mined → final, or failed from any of them.
 * `sent` means: has its nonce and at least one stored signed form. A block that is undone leads back to `sent`.
 */
export type TransactionState = "queued" | "sent" | "mined" | "final" | "failed";

export interface TransactionFailure {
  readonly code: string;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/** What a caller asks to be written. */
export interface TransactionRequest {
  readonly caller: string;
  readonly idempotencyKey: string;
  readonly tenant: string;
  readonly signer: Signer;
  readonly contract: string;
  readonly to: Address;
  readonly data: Uint8Array;
  readonly valueWei: bigint;
  readonly purpose: string;
  /** The job or account whose state it builds on, beside its tenant's: its trial misses nothing that is earlier elsewhere. */
  readonly subject: string;
  readonly lane: Lane;
  /** W3C trace context of the request, so that sending it joins the same trace. */
  readonly traceparent: string;
}

export interface ChainTransaction extends TransactionRequest {
  readonly id: string;
  /** Order of arrival; a request is never judged against a state that misses an earlier one of its subject or tenant. */
  readonly sequence: bigint;
  readonly state: TransactionState;
  readonly nonce: bigint | undefined;
  readonly gasLimit: bigint | undefined;
  /** Hash of the mined form, else of the newest signed form, else empty. */
  readonly hash: string;
  readonly blockNumber: bigint | undefined;
  readonly gasUsed: bigint | undefined;
  readonly failure: TransactionFailure | undefined;
}

export interface Fees {
  readonly maxFeePerGasWei: bigint;
  readonly maxPriorityFeePerGasWei: bigint;
}

/** Everything that is signed (EIP-1559, type 2). */
export interface UnsignedTransaction extends Fees {
  readonly chainId: bigint;
  readonly nonce: bigint;
  readonly to: Address;
  readonly data: Uint8Array;
  readonly valueWei: bigint;
  readonly gasLimit: bigint;
}

export interface SignedTransaction {
  readonly hash: string;
  readonly raw: Uint8Array;
}

/** One signed form, stored before anyone else sees it. */
export interface Attempt extends SignedTransaction, Fees {
  readonly transactionId: string;
  readonly number: number;
  readonly createdAtMs: number;
  readonly broadcastAtMs: number | undefined;
}
