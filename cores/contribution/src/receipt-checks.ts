import type { Receipt } from "@aios/core-settlement/order-digest";
import { receiptKindName } from "./receipt.js";

export type RefusalReason =
  | "malformed"
  | "one-sided"
  | "forged"
  | "replayed"
  | "back-dated"
  | "self-dealing"
  | "not-as-settled";

export interface Refusal {
  readonly reason: RefusalReason;
  /** One sentence for a person. */
  readonly message: string;
}

/** What the chain says about the job that a receipt names; times in seconds since the Unix epoch. */
export interface SettlementFacts {
  readonly provider: string;
  readonly counterparty: string;
  readonly openedAtSeconds: number;
  readonly settledAtSeconds: number;
  /** EIP-712 digest that the provider's delivery bound itself to. */
  readonly deliveredReceiptHash: string | undefined;
}

/** Everything the verdict depends on. */
export interface ReceiptEvidence {
  readonly digest: string;
  readonly receipt: Receipt;
  /** Account that the provider's signature recovers to; `undefined` when it recovers to none. */
  readonly signer: string | undefined;
  /** The settlement that stands for the counterparty's signature; `undefined` when there is none. */
  readonly settlement: SettlementFacts | undefined;
  /** True when this digest, or this provider's work of this kind on this job, was counted before. */
  readonly seenBefore: boolean;
  /** Account or organisation behind an account: its own address where none is known. */
  readonly controllerOf: (account: string) => string;
}

/** Clocks of providers and of the chain may differ by this much. */
export const CLOCK_TOLERANCE_MS = 120_000n;

/**
 * Why a receipt counts for nothing, or `undefined` when it counts: signed on one side
 * only, replayed, back-dated, or between accounts of one controlling stake. The first reason in this order is named.
 */
export function refusalOf(evidence: ReceiptEvidence): Refusal | undefined {
  const { receipt, settlement } = evidence;
  if (receiptKindName(receipt.kind) === undefined) {
    return { reason: "malformed", message: `Kind ${receipt.kind} is not a kind of work.` };
  }
  if (evidence.signer !== receipt.provider) {
    return { reason: "forged", message: "The signature is not the provider's." };
  }
  if (settlement === undefined) {
    return {
      reason: "one-sided",
      message: "The counterparty has not signed and the job is not settled on chain.",
    };
  }
  if (evidence.seenBefore) {
    return { reason: "replayed", message: "This work was counted before." };
  }
  if (evidence.controllerOf(receipt.provider) === evidence.controllerOf(receipt.counterparty)) {
    return {
      reason: "self-dealing",
      message: "Provider and counterparty are controlled by the same account.",
    };
  }
  if (settlement.provider !== receipt.provider || settlement.counterparty !== receipt.counterparty) {
    return { reason: "not-as-settled", message: "The job was settled between other parties." };
  }
  if (settlement.deliveredReceiptHash !== undefined && settlement.deliveredReceiptHash !== evidence.digest) {
    return { reason: "not-as-settled", message: "The delivery on chain names another receipt." };
  }
  return backDated(receipt, settlement);
}

function backDated(receipt: Receipt, settlement: SettlementFacts): Refusal | undefined {
  if (receipt.finishedAtMs < receipt.startedAtMs) {
    return { reason: "back-dated", message: "The work ends before it starts." };
  }
  const earliest = BigInt(settlement.openedAtSeconds) * 1_000n - CLOCK_TOLERANCE_MS;
  const latest = BigInt(settlement.settledAtSeconds) * 1_000n + 999n + CLOCK_TOLERANCE_MS;
  if (receipt.startedAtMs < earliest) {
    return { reason: "back-dated", message: "The work starts before the job was funded." };
  }
  if (receipt.finishedAtMs > latest) {
    return { reason: "back-dated", message: "The work ends after the job was settled." };
  }
  return undefined;
}
