import type { CountedReceipt } from "@aios/core-contribution/receipt";
import type { Refusal } from "@aios/core-contribution/receipt-checks";
import type { ReceiptDomain, ReceiptRecord } from "./receipt-record.js";

/** What the chain says about a job. */
export interface JobOnChain {
  readonly jobId: string;
  readonly state: string;
  readonly buyer: string;
  readonly provider: string;
  readonly receiptHash: string;
  readonly openedAtSeconds: number | undefined;
  readonly settledAtSeconds: number | undefined;
  readonly settlementHash: string;
}

export interface AnchorBatch {
  readonly batchId: string;
  /** Number on chain, from 1. */
  readonly number: bigint;
  readonly root: string;
  readonly receiptCount: number;
  readonly attempt: number;
  readonly state: "submitted" | "anchored";
  readonly transactionHash: string;
  /** A failed submission is not repeated before this. */
  readonly notBeforeMs: number;
}

export interface NewReceipt {
  readonly receiptId: string;
  readonly tenant: string;
  readonly kind: number;
  readonly jobId: string;
  readonly provider: string;
  readonly counterparty: string;
  readonly inputCommitment: string;
  readonly outputHash: string;
  readonly storesData: boolean;
  readonly messageJson: string;
  readonly providerSignature: Uint8Array;
  /** Set for what is no receipt at all. */
  readonly refusal: Refusal | undefined;
}

/** A verdict with what it rests on. */
export type Verdict =
  | { readonly counts: true; readonly countersignedBy: string }
  | { readonly counts: false; readonly refusal: Refusal };

/** Receipts, jobs and batches. Every method is one database transaction. */
export interface ReceiptStore {
  /** Keeps receipts in their order; the same id again changes nothing. */
  add(receipts: readonly NewReceipt[], nowMs: number): Promise<void>;
  /** Throws `receipt-not-found`. */
  byId(receiptId: string): Promise<ReceiptRecord>;
  list(
    filter: { readonly account?: string; readonly jobId?: string },
    limit: number,
  ): Promise<readonly ReceiptRecord[]>;
  /** Receipts without a verdict on these jobs, in the order in which they came. */
  waitingFor(jobIds: readonly string[]): Promise<readonly ReceiptRecord[]>;
  /** Receipts without a verdict that came before this time. */
  waitingSince(beforeMs: number, limit: number): Promise<readonly ReceiptRecord[]>;
  /** True when another receipt about the same work of the same provider on the same job counts. */
  workCounted(receipt: ReceiptRecord): Promise<boolean>;
  /** Gives a waiting receipt its verdict; a work that counts already turns it into `replayed`. */
  judge(receiptId: string, verdict: Verdict): Promise<void>;
  /** Follows jobs, each through its changes in their order; all of them or none. */
  recordJobs(changes: readonly JobOnChain[]): Promise<void>;
  /** Those of these jobs that the chain told of, by their ids. */
  jobs(jobIds: readonly string[]): Promise<ReadonlyMap<string, JobOnChain>>;
  countedCount(): Promise<number>;
  /** Takes counted receipts, oldest first, into a batch; nothing while another batch is under way. */
  openBatch(
    limit: number,
    rootOf: (receiptIds: readonly string[]) => string,
    nowMs: number,
  ): Promise<AnchorBatch | undefined>;
  batchUnderWay(): Promise<AnchorBatch | undefined>;
  /** Throws `receipt-not-found` for an unknown batch. */
  batch(batchId: string): Promise<AnchorBatch & { readonly receiptIds: readonly string[] }>;
  /** A further submission of the batch under another number; only after the attempt it names. */
  retryBatch(
    batchId: string,
    attempt: number,
    number: bigint,
    error: string,
    notBeforeMs: number,
  ): Promise<void>;
  /** The batch with this root and its receipts are on chain. */
  anchored(root: string, number: bigint, transactionHash: string): Promise<void>;
  /** Anchored receipts of a provider, newest `limit`, and those of others about the same data. */
  evidenceFor(account: string, limit: number): Promise<readonly CountedReceipt[]>;
}

/** The economy service. */
export interface Anchor {
  domain(): Promise<ReceiptDomain>;
  submit(idempotencyKey: string, number: bigint, root: string, receiptCount: number): Promise<void>;
}
