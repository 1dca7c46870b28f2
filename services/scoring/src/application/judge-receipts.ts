import { refusalOf, type SettlementFacts } from "@aios/core-contribution/receipt-checks";
import type { Clock } from "@aios/kernel/clock";
import { PLATFORM_TENANT } from "@aios/kernel/identifiers";
import { crashPoint } from "@aios/service-kit/crash-point";
import type { Anchor, JobOnChain, ReceiptStore, Verdict } from "../domain/ports.js";
import {
  malformedReceiptId,
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

  async receive(issued: IssuedReceipt): Promise<void> {
    const receipt = receiptOfJson(issued.receiptJson);
    if (receipt === undefined) {
      await this.store.add(
        {
          receiptId: malformedReceiptId(issued.receiptJson),
          tenant: PLATFORM_TENANT,
          kind: 0,
          jobId: issued.jobId.toLowerCase(),
          provider: "",
          counterparty: "",
          inputCommitment: NO_HASH,
          outputHash: NO_HASH,
          storesData: false,
          messageJson: issued.receiptJson,
          providerSignature: issued.providerSignature,
          refusal: { reason: "malformed", message: "The text is not a receipt." },
        },
        this.clock.now(),
      );
      this.onRefused("malformed");
      return;
    }
    const receiptId = receiptDigest(await this.anchor.domain(), receipt);
    crashPoint("scoring.receive.before-store");
    await this.store.add(
      {
        receiptId,
        tenant: `account:${receipt.counterparty}`,
        kind: receipt.kind,
        jobId: receipt.jobId,
        provider: receipt.provider,
        counterparty: receipt.counterparty,
        inputCommitment: receipt.inputCommitment,
        outputHash: receipt.outputHash,
        storesData: receipt.storedBytes > 0n,
        messageJson: issued.receiptJson,
        providerSignature: issued.providerSignature,
        refusal: undefined,
      },
      this.clock.now(),
    );
    crashPoint("scoring.receive.after-store");
    await this.judgeJob(receipt.jobId);
  }

  async jobChanged(change: JobOnChain): Promise<void> {
    await this.store.recordJob(change);
    crashPoint("scoring.judge.after-job");
    await this.judgeJob(change.jobId);
  }

  /** Judges what waits for this job; nothing while the job goes on. */
  async judgeJob(jobId: string): Promise<void> {
    const job = await this.store.job(jobId);
    if (job?.state !== "settled" && job?.state !== "refunded") return;
    for (const receipt of await this.store.waitingFor(jobId)) await this.#judge(receipt, job);
  }

  /** Refuses what waited in vain. */
  async sweep(): Promise<void> {
    const stale = await this.store.waitingSince(this.clock.now() - SETTLEMENT_PATIENCE_MS, SWEEP_BATCH);
    for (const receipt of stale) await this.#judge(receipt, await this.store.job(receipt.jobId));
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
