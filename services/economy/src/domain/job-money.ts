import { PAYMENT_KINDS, type PaymentKind } from "@aios/core-settlement/splits";
import { formatAios } from "@aios/kernel/units";
import type { ContractEvent } from "./chain-block.js";

export const JOB_ON_CHAIN_STATES = [
  "funded",
  "leased",
  "delivered",
  "pending",
  "settled",
  "refunded",
] as const;
export type JobOnChainState = (typeof JOB_ON_CHAIN_STATES)[number];

/** Where an event leads, for the events that move a job. */
const STATE_AFTER: Readonly<Record<string, JobOnChainState>> = {
  JobOpened: "funded",
  JobLeased: "leased",
  JobDelivered: "delivered",
  JobPending: "pending",
  JobSettled: "settled",
  JobReleased: "funded",
  JobRefunded: "refunded",
};

export interface JobPayment {
  readonly kind: PaymentKind;
  readonly account: string;
  readonly amountWei: bigint;
  readonly transactionHash: string;
  readonly blockNumber: bigint;
}

/** A job as its escrow events tell it. Empty text and zero stand for what has not happened. */
export interface EscrowJob {
  readonly jobId: string;
  readonly state: JobOnChainState;
  readonly buyer: string;
  readonly provider: string;
  readonly fencingToken: bigint;
  readonly maxPriceWei: bigint;
  readonly providerPriceWei: bigint;
  readonly proverFeeWei: bigint;
  readonly receiptHash: string;
  /** As delivered, 0x and 64 hex digits each. */
  readonly output: string;
  readonly outputHash: string;
  /** Unix seconds until which the next step is due; 0 without one. */
  readonly deadlineSeconds: bigint;
  readonly payments: readonly JobPayment[];
}

/** The state that an event leads to, or `undefined` for events that move no job. */
export function stateAfter(event: ContractEvent): JobOnChainState | undefined {
  return event.contract === "JobEscrow" ? STATE_AFTER[event.name] : undefined;
}

/** True for states that nothing leaves. */
export function isEnd(state: JobOnChainState): boolean {
  return state === "settled" || state === "refunded";
}

/** Folds one job's events, in chain order, into the job; `undefined` when it was never opened. */
export function jobFromEvents(events: readonly ContractEvent[]): EscrowJob | undefined {
  return events.reduce<EscrowJob | undefined>(afterEvent, undefined);
}

function afterEvent(job: EscrowJob | undefined, event: ContractEvent): EscrowJob | undefined {
  if (event.contract !== "JobEscrow") return job;
  if (event.name === "JobOpened") return opened(event);
  if (job === undefined) return undefined;
  const state = STATE_AFTER[event.name] ?? job.state;
  switch (event.name) {
    case "JobLeased":
      return {
        ...job,
        state,
        provider: text(event, "provider"),
        fencingToken: integer(event, "fencingToken"),
        providerPriceWei: integer(event, "providerPriceWei"),
        proverFeeWei: integer(event, "proverFeeWei"),
        deadlineSeconds: integer(event, "deliverBy"),
      };
    case "JobDelivered":
      return {
        ...job,
        state,
        receiptHash: text(event, "receiptHash"),
        output: `0x${integer(event, "output").toString(16).padStart(64, "0")}`,
        outputHash: text(event, "outputHash"),
        deadlineSeconds: integer(event, "settleBy"),
      };
    case "JobPending":
      return { ...job, state, deadlineSeconds: integer(event, "pendingUntil") };
    case "JobReleased":
      return {
        ...job,
        state,
        provider: "",
        receiptHash: "",
        output: "",
        outputHash: "",
        providerPriceWei: 0n,
        proverFeeWei: 0n,
        deadlineSeconds: 0n,
      };
    case "JobSettled":
    case "JobRefunded":
      return { ...job, state, deadlineSeconds: 0n };
    case "JobPayment":
      return { ...job, payments: [...job.payments, payment(event)] };
    default:
      return job;
  }
}

function opened(event: ContractEvent): EscrowJob {
  return {
    jobId: text(event, "jobId"),
    state: "funded",
    buyer: text(event, "buyer"),
    provider: "",
    fencingToken: 0n,
    maxPriceWei: integer(event, "maxPriceWei"),
    providerPriceWei: 0n,
    proverFeeWei: 0n,
    receiptHash: "",
    output: "",
    outputHash: "",
    deadlineSeconds: integer(event, "leaseBy"),
    payments: [],
  };
}

function payment(event: ContractEvent): JobPayment {
  const kind = PAYMENT_KINDS[Number(integer(event, "kind"))];
  if (kind === undefined) throw new RangeError("a payment kind that the escrow does not have");
  return {
    kind,
    account: text(event, "account"),
    amountWei: integer(event, "amountWei"),
    transactionHash: event.transactionHash,
    blockNumber: event.blockNumber,
  };
}

/**
 * What the job costs its buyer as far as is known: the cap while nobody has the job, the agreed work price during a
 * lease, what was really paid after settlement, nothing after a refund.
 */
export function priceOf(job: EscrowJob): bigint {
  if (job.state === "funded") return job.maxPriceWei;
  if (job.state === "settled") {
    const parts = job.payments.filter((one) => one.kind !== "escrow" && one.kind !== "refund");
    return parts.reduce((total, part) => total + part.amountWei, 0n);
  }
  return job.state === "refunded" ? 0n : job.providerPriceWei + job.proverFeeWei;
}

/** Who may act next; the text of `ExplainJobMoneyResponse.next_actor`. */
const NEXT_ACTOR: Readonly<Record<JobOnChainState, string>> = {
  funded: "matcher",
  leased: "provider",
  delivered: "anyone-with-evidence",
  pending: "buyer",
  settled: "",
  refunded: "",
};

export interface JobMoneyExplanation {
  readonly state: JobOnChainState;
  readonly explanation: readonly string[];
  readonly nextActor: string;
  readonly deadlineSeconds: bigint;
}

/** The job's money in sentences, in the order in which things happened. */
export function explainJobMoney(events: readonly ContractEvent[]): JobMoneyExplanation | undefined {
  const job = jobFromEvents(events);
  if (job === undefined) return undefined;
  const sentences = events.flatMap((event) => sentenceOf(event) ?? []);
  return {
    state: job.state,
    explanation: [...sentences, ...outlook(job)],
    nextActor: NEXT_ACTOR[job.state],
    deadlineSeconds: job.deadlineSeconds,
  };
}

function sentenceOf(event: ContractEvent): string | undefined {
  if (event.contract !== "JobEscrow") return undefined;
  const at = `block ${event.blockNumber}`;
  switch (event.name) {
    case "JobOpened":
      return `${text(event, "buyer")} put its price cap of ${amount(event, "maxPriceWei")} into escrow (${at}).`;
    case "JobLeased":
      return `${text(event, "provider")} took the job for ${amount(event, "providerPriceWei")} plus ${amount(event, "proverFeeWei")} for a proof, under fencing token ${integer(event, "fencingToken")} (${at}).`;
    case "JobDelivered":
      return `${text(event, "provider")} delivered under fencing token ${integer(event, "fencingToken")} (${at}).`;
    case "JobPending":
      return `The result is accepted unless it is challenged; the window ends at ${instant(integer(event, "pendingUntil"))} (${at}).`;
    case "JobReleased":
      return `The lease of ${text(event, "provider")} ended without payment; fencing token ${integer(event, "fencingToken")} is void (${at}).`;
    case "JobSettled":
      return `The job was settled, once and for good (${at}).`;
    case "JobRefunded":
      return `A deadline passed: ${amount(event, "amountWei")} went back to ${text(event, "buyer")} (${at}).`;
    case "JobPayment":
      return paymentSentence(payment(event));
    default:
      return undefined;
  }
}

function paymentSentence(one: JobPayment): string | undefined {
  const sum = `${formatAios(one.amountWei)} AIOS`;
  switch (one.kind) {
    case "escrow":
      return undefined;
    case "provider":
      return `${sum} were credited to the provider ${one.account}.`;
    case "prover":
      return `${sum} were credited to the prover ${one.account}.`;
    case "royalty":
      return `${sum} were credited to the model's owner ${one.account} as usage fee and royalty.`;
    case "protocol-fee-burned":
      return `${sum} of the protocol fee were burned.`;
    case "protocol-fee-treasury":
      return `${sum} of the protocol fee were credited to the treasury ${one.account}.`;
    case "refund":
      return `${sum} that were not needed were credited back to ${one.account}.`;
  }
}

function outlook(job: EscrowJob): readonly string[] {
  const until = instant(job.deadlineSeconds);
  switch (job.state) {
    case "funded":
      return job.deadlineSeconds === 0n
        ? [
            "The matcher may lease the job anew until the order's deadline; after it anyone may refund the buyer.",
          ]
        : [`The matcher may lease the job until ${until}; after that anyone may refund the buyer.`];
    case "leased":
      return [`The provider may deliver until ${until}.`];
    case "delivered":
      return [`Anyone may settle with evidence until ${until}; after that anyone may refund the buyer.`];
    case "pending":
      return [`The buyer may accept at once; from ${until} on anyone may settle.`];
    case "settled":
      return ["Everyone withdraws what is credited to it whenever it likes."];
    case "refunded":
      return ["The buyer withdraws its money whenever it likes."];
  }
}

function text(event: ContractEvent, name: string): string {
  const value = event.args[name];
  if (typeof value !== "string") throw new TypeError(`${event.name} has no ${name}`);
  return value;
}

function integer(event: ContractEvent, name: string): bigint {
  return BigInt(text(event, name));
}

function amount(event: ContractEvent, name: string): string {
  return `${formatAios(integer(event, name))} AIOS`;
}

function instant(seconds: bigint): string {
  return new Date(Number(seconds) * 1_000).toISOString();
}
