import { refusalOf, type SettlementFacts } from "@aios/core-contribution/receipt-checks";
import type { Clock } from "@aios/kernel/clock";
import { PLATFORM_TENANT } from "@aios/kernel/identifiers";
import { crashPoint } from "@aios/service-kit/crash-point";
import type { Anchor, JobOnChain, NewReceipt, ReceiptStore, Verdict } from "../domain/ports.js";
import {
  malformedReceiptId,
  type ReceiptDomain,
  type ReceiptRecord,
  receiptDigest,
  receiptOfJson,
  receiptSigner,
} from "../domain/receipt-record.js";

/** A receipt whose job is not settled this long after it came counts for nothing. */
export const SETTLEMENT_PATIENCE_MS = 24 * 3_600_000;
const SWEEP_BATCH = 200;
const NO_HASH = `0x${"0".repeat(64)}`;

export interface IssuedReceipt {
  readonly receiptJson: string;
  readonly providerSignature: Uint8Array;
  readonly jobId: string;
}

/** Keeps receipts and gives each its verdict as soon as its job is settled. */
export class JudgeReceipts {
  constructor(
    private readonly store: ReceiptStore,
    private readonly anchor: Anchor,
    private readonly clock: Clock,
    private readonly onCounted: () => void,
    private readonly onRefused: (reason: string) => void,
  ) {}

  /** Keeps receipts that came together, in their order, and judges what can be judged then. */
  async receive(issued: readonly IssuedReceipt[]): Promise<void> {
    const domain = await this.anchor.domain();
    const receipts = issued.map((one) => newReceipt(domain, one));
    crashPoint("scoring.receive.before-store");
    await this.store.add(receipts, this.clock.now());
    crashPoint("scoring.receive.after-store");
    for (const { refusal } of receipts) if (refusal !== undefined) this.onRefused(refusal.reason);
    await this.#judgeJobs(receipts.filter(({ refusal }) => refusal === undefined));
  }

  /** Follows jobs through changes that came together, in their order, and judges the receipts of those that ended. */
  async jobsChanged(changes: readonly JobOnChain[]): Promise<void> {
    await this.store.recordJobs(changes);
    crashPoint("scoring.judge.after-job");
    await this.#judgeJobs(changes);
  }

  /** Judges what waits for these jobs; nothing while a job goes on. */
  async #judgeJobs(about: readonly { readonly jobId: string }[]): Promise<void> {
    const jobs = await this.store.jobs([...new Set(about.map(({ jobId }) => jobId))]);
    const ended = [...jobs.values()].filter(({ state }) => state === "settled" || state === "refunded");
    if (ended.length === 0) return;
    for (const receipt of await this.store.waitingFor(ended.map(({ jobId }) => jobId)))
      await this.#judge(receipt, jobs.get(receipt.jobId));
  }

  /** Refuses what waited in vain. */
  async sweep(): Promise<void> {
    const stale = await this.store.waitingSince(this.clock.now() - SETTLEMENT_PATIENCE_MS, SWEEP_BATCH);
    if (stale.length === 0) return;
    const jobs = await this.store.jobs([...new Set(stale.map(({ jobId }) => jobId))]);
    for (const receipt of stale) await this.#judge(receipt, jobs.get(receipt.jobId));
  }

  async #judge(record: ReceiptRecord, job: JobOnChain | undefined): Promise<void> {
    const receipt = receiptOfJson(record.messageJson);
    if (receipt === undefined) throw new Error(`receipt ${record.receiptId} was stored without a message`);
    const refusal = refusalOf({
      digest: record.receiptId,
      receipt,
      signer: receiptSigner(await this.anchor.domain(), receipt, record.providerSignature),
      settlement: settlementOf(job),
      seenBefore: await this.store.workCounted(record),
      controllerOf: (account) => account,
    });
    const verdict: Verdict =
      refusal === undefined
        ? { counts: true, countersignedBy: `settlement:${job?.settlementHash ?? ""}` }
        : { counts: false, refusal };
    crashPoint("scoring.judge.before-store");
    await this.store.judge(record.receiptId, verdict);
    crashPoint("scoring.judge.after-store");
    if (verdict.counts) this.onCounted();
    else this.onRefused(verdict.refusal.reason);
  }
}

function newReceipt(domain: ReceiptDomain, issued: IssuedReceipt): NewReceipt {
  const { receiptJson: messageJson, providerSignature } = issued;
  const receipt = receiptOfJson(messageJson);
  if (receipt === undefined) {
    return {
      receiptId: malformedReceiptId(messageJson),
      tenant: PLATFORM_TENANT,
      kind: 0,
      jobId: issued.jobId.toLowerCase(),
      provider: "",
      counterparty: "",
      inputCommitment: NO_HASH,
      outputHash: NO_HASH,
      storesData: false,
      messageJson,
      providerSignature,
      refusal: { reason: "malformed", message: "The text is not a receipt." },
    };
  }
  const { kind, jobId, provider, counterparty, inputCommitment, outputHash } = receipt;
  return {
    receiptId: receiptDigest(domain, receipt),
    tenant: `account:${counterparty}`,
    kind,
    jobId,
    provider,
    counterparty,
    inputCommitment,
    outputHash,
    storesData: receipt.storedBytes > 0n,
    messageJson,
    providerSignature,
    refusal: undefined,
  };
}

function settlementOf(job: JobOnChain | undefined): SettlementFacts | undefined {
  if (job?.state !== "settled" || job.settledAtSeconds === undefined) return undefined;
  return {
    provider: job.provider,
    counterparty: job.buyer,
    openedAtSeconds: job.openedAtSeconds ?? 0,
    settledAtSeconds: job.settledAtSeconds,
    deliveredReceiptHash: job.receiptHash === "" ? undefined : job.receiptHash,
  };
}
