import { randomUUID } from "node:crypto";
import type { CountedReceipt } from "@aios/core-contribution/receipt";
import { PLATFORM_TENANT } from "@aios/kernel/identifiers";
import { sqlState } from "@aios/service-kit/database-outage";
import { Prisma, type PrismaClient } from "../../../generated/prisma/client.js";
import type { AnchorBatchModel, ReceiptModel, SettledJobModel } from "../../../generated/prisma/models.js";
import { receiptNotFound } from "../../domain/errors.js";
import type { AnchorBatch, JobOnChain, NewReceipt, ReceiptStore, Verdict } from "../../domain/ports.js";
import { type ReceiptRecord, type ReceiptState, receiptOfJson } from "../../domain/receipt-record.js";

/** Settlements are public, and a batch holds receipts of many tenants. */
const PUBLIC = { tenant: PLATFORM_TENANT } as const;
const COUNTING: ReceiptState[] = ["counted", "batched", "anchored"];

export class PrismaReceiptStore implements ReceiptStore {
  constructor(private readonly prisma: PrismaClient) {}

  async add(receipts: readonly NewReceipt[], nowMs: number): Promise<void> {
    await this.prisma.receipt.createMany({
      data: receipts.map(({ tenant, refusal, ...columns }) => ({
        ...columns,
        tenant,
        providerSignature: Buffer.from(columns.providerSignature),
        state: refusal === undefined ? "waiting" : "refused",
        refusedBecause: refusal === undefined ? "" : `${refusal.reason}: ${refusal.message}`,
        countersignedBy: "",
        receivedAtMs: BigInt(nowMs),
      })),
      skipDuplicates: true,
    });
  }

  // By its id: a receipt is what its holder shows to anyone.
  async byId(receiptId: string): Promise<ReceiptRecord> {
    const row = await this.prisma.receipt.findUnique({ where: { receiptId: receiptId.toLowerCase() } });
    if (row === null) throw receiptNotFound(receiptId);
    return toRecord(row);
  }

  // All tenants: a receipt has two parties, either of whom may be the account that is asked about.
  async list(filter: { readonly account?: string; readonly jobId?: string }, limit: number) {
    const { account, jobId } = filter;
    const rows = await this.prisma.receipt.findMany({
      where: {
        ...(jobId === undefined ? {} : { jobId }),
        ...(account === undefined ? {} : { OR: [{ provider: account }, { counterparty: account }] }),
      },
      orderBy: { sequence: "desc" },
      take: limit,
    });
    return rows.map(toRecord);
  }

  // All tenants: receipts are judged in the order in which they came, whosever they are.
  async waitingFor(jobIds: readonly string[]): Promise<readonly ReceiptRecord[]> {
    const rows = await this.prisma.receipt.findMany({
      where: { jobId: { in: [...jobIds] }, state: "waiting" },
      orderBy: { sequence: "asc" },
    });
    return rows.map(toRecord);
  }

  // All tenants: receipts are judged in the order in which they came, whosever they are.
  async waitingSince(beforeMs: number, limit: number): Promise<readonly ReceiptRecord[]> {
    const rows = await this.prisma.receipt.findMany({
      where: { state: "waiting", receivedAtMs: { lt: BigInt(Math.max(beforeMs, 0)) } },
      orderBy: { sequence: "asc" },
      take: limit,
    });
    return rows.map(toRecord);
  }

  // All tenants: work counts once in the world.
  async workCounted(receipt: ReceiptRecord): Promise<boolean> {
    const { jobId, kind, provider, receiptId } = receipt;
    const found = await this.prisma.receipt.findFirst({
      where: { jobId, kind, provider, state: { in: COUNTING }, receiptId: { not: receiptId } },
      select: { receiptId: true },
    });
    return found !== null;
  }

  // By its id: the judge's own, that it has just read.
  async judge(receiptId: string, verdict: Verdict): Promise<void> {
    const where = { receiptId, state: "waiting" };
    const refuse = (because: string): Promise<unknown> =>
      this.prisma.receipt.updateMany({ where, data: { state: "refused", refusedBecause: because } });
    if (!verdict.counts) {
      await refuse(`${verdict.refusal.reason}: ${verdict.refusal.message}`);
      return;
    }
    try {
      await this.prisma.receipt.updateMany({
        where,
        data: { state: "counted", countersignedBy: verdict.countersignedBy },
      });
    } catch (error) {
      // Another receipt about the same work was counted between the question and the answer.
      if (!isUniqueViolation(error)) throw error;
      await refuse("replayed: This work was counted before.");
    }
  }

  async recordJobs(changes: readonly JobOnChain[]): Promise<void> {
    const [first, ...later] = rounds(changes).map((round) => this.#recordRound(round));
    if (first === undefined) return;
    if (later.length === 0) await first;
    else await this.prisma.$transaction([first, ...later]);
  }

  /** One statement, so each job only once. */
  #recordRound(changes: readonly JobOnChain[]): Prisma.PrismaPromise<number> {
    const rows = changes.map((change) => {
      const opened = change.openedAtSeconds === undefined ? null : BigInt(change.openedAtSeconds);
      const settled = change.settledAtSeconds === undefined ? null : BigInt(change.settledAtSeconds);
      return Prisma.sql`(${change.jobId}, ${PLATFORM_TENANT}, ${change.state}, ${change.buyer}, ${change.provider},
        ${change.receiptHash}, ${opened}::bigint, ${settled}::bigint, ${change.settlementHash})`;
    });
    // The first opening stays; a settled or refunded job never moves again.
    return this.prisma.$executeRaw`
      INSERT INTO settled_job
        (job_id, tenant, state, buyer, provider, receipt_hash, opened_at_seconds, settled_at_seconds, settlement_hash)
      VALUES ${Prisma.join(rows)}
      ON CONFLICT (job_id) DO UPDATE SET
        state = EXCLUDED.state, buyer = EXCLUDED.buyer, provider = EXCLUDED.provider,
        receipt_hash = EXCLUDED.receipt_hash,
        opened_at_seconds = LEAST(settled_job.opened_at_seconds, EXCLUDED.opened_at_seconds),
        settled_at_seconds = COALESCE(settled_job.settled_at_seconds, EXCLUDED.settled_at_seconds),
        settlement_hash = EXCLUDED.settlement_hash
      WHERE settled_job.state NOT IN ('settled', 'refunded')`;
  }

  async jobs(jobIds: readonly string[]): Promise<ReadonlyMap<string, JobOnChain>> {
    const rows = await this.prisma.settledJob.findMany({ where: { ...PUBLIC, jobId: { in: [...jobIds] } } });
    return new Map(rows.map((row) => [row.jobId, toJob(row)]));
  }

  // All tenants: a batch holds everybody's receipts.
  countedCount(): Promise<number> {
    return this.prisma.receipt.count({ where: { state: "counted" } });
  }

  // All tenants: a batch holds everybody's receipts.
  async openBatch(limit: number, rootOf: (receiptIds: readonly string[]) => string, nowMs: number) {
    return this.prisma.$transaction(async (tx) => {
      if ((await tx.anchorBatch.count({ where: { ...PUBLIC, state: "submitted" } })) > 0) return undefined;
      const receipts = await tx.receipt.findMany({
        where: { state: "counted" },
        orderBy: { sequence: "asc" },
        select: { receiptId: true },
        take: limit,
      });
      if (receipts.length === 0) return undefined;
      const receiptIds = receipts.map((receipt) => receipt.receiptId);
      const last = await tx.anchorBatch.findFirst({
        where: PUBLIC,
        orderBy: { number: "desc" },
        select: { number: true },
      });
      const batch = await tx.anchorBatch.create({
        data: {
          ...PUBLIC,
          batchId: randomUUID(),
          number: (last?.number ?? 0n) + 1n,
          root: rootOf(receiptIds),
          receiptCount: receiptIds.length,
          state: "submitted",
          createdAtMs: BigInt(nowMs),
        },
      });
      await tx.receipt.updateMany({
        where: { receiptId: { in: receiptIds } },
        data: { state: "batched", batchId: batch.batchId },
      });
      return toBatch(batch);
    });
  }

  async batchUnderWay(): Promise<AnchorBatch | undefined> {
    const row = await this.prisma.anchorBatch.findFirst({ where: { ...PUBLIC, state: "submitted" } });
    return row === null ? undefined : toBatch(row);
  }

  async batch(batchId: string) {
    const row = await this.prisma.anchorBatch.findUnique({
      where: { ...PUBLIC, batchId },
      include: { receipts: { select: { receiptId: true } } },
    });
    if (row === null) throw receiptNotFound(batchId);
    return { ...toBatch(row), receiptIds: row.receipts.map((receipt) => receipt.receiptId) };
  }

  async retryBatch(
    batchId: string,
    attempt: number,
    number: bigint,
    error: string,
    notBeforeMs: number,
  ): Promise<void> {
    await this.prisma.anchorBatch.updateMany({
      where: { ...PUBLIC, batchId, attempt, state: "submitted" },
      data: { attempt: attempt + 1, number, lastError: error, notBeforeMs: BigInt(notBeforeMs) },
    });
  }

  // All tenants: a batch holds everybody's receipts.
  async anchored(root: string, number: bigint, transactionHash: string): Promise<void> {
    await this.prisma.$transaction(async (tx) => {
      const { count } = await tx.anchorBatch.updateMany({
        where: { ...PUBLIC, root, state: "submitted" },
        data: { state: "anchored", number, transactionHash, lastError: null },
      });
      if (count === 0) return;
      await tx.receipt.updateMany({
        where: { batch: { root }, state: "batched" },
        data: { state: "anchored" },
      });
    });
  }

  // All tenants: a provider's contribution comes from its work for everybody.
  async evidenceFor(account: string, limit: number): Promise<readonly CountedReceipt[]> {
    const own = await this.prisma.receipt.findMany({
      where: { provider: account, state: "anchored" },
      orderBy: { sequence: "desc" },
      take: limit,
    });
    const data = [
      ...new Set(own.filter((row) => row.storesData).flatMap((row) => [row.outputHash, row.inputCommitment])),
    ];
    const others = await this.prisma.receipt.findMany({
      where: { provider: { not: account }, state: "anchored", storesData: true, outputHash: { in: data } },
      orderBy: { sequence: "asc" },
      take: limit,
    });
    return [...own, ...others].flatMap((row) => {
      const receipt = receiptOfJson(row.messageJson);
      return receipt === undefined ? [] : [{ digest: row.receiptId, receipt }];
    });
  }
}

/** The same changes, parted so that each round holds the next change of every job that has one. */
function rounds(changes: readonly JobOnChain[]): readonly (readonly JobOnChain[])[] {
  const parted: JobOnChain[][] = [];
  const seen = new Map<string, number>();
  for (const change of changes) {
    const turn = seen.get(change.jobId) ?? 0;
    seen.set(change.jobId, turn + 1);
    const round = parted[turn];
    if (round === undefined) parted.push([change]);
    else round.push(change);
  }
  return parted;
}

function isUniqueViolation(error: unknown): boolean {
  if (error instanceof Prisma.PrismaClientKnownRequestError) return error.code === "P2002";
  return sqlState(error) === "23505";
}

function toRecord(row: ReceiptModel): ReceiptRecord {
  return { ...row, state: row.state as ReceiptState, batchId: row.batchId ?? undefined };
}

function toJob(row: SettledJobModel): JobOnChain {
  return {
    jobId: row.jobId,
    state: row.state,
    buyer: row.buyer,
    provider: row.provider,
    receiptHash: row.receiptHash,
    openedAtSeconds: row.openedAtSeconds === null ? undefined : Number(row.openedAtSeconds),
    settledAtSeconds: row.settledAtSeconds === null ? undefined : Number(row.settledAtSeconds),
    settlementHash: row.settlementHash ?? "",
  };
}

function toBatch(row: AnchorBatchModel): AnchorBatch {
  return {
    batchId: row.batchId,
    number: row.number,
    root: row.root,
    receiptCount: row.receiptCount,
    attempt: row.attempt,
    state: row.state as AnchorBatch["state"],
    transactionHash: row.transactionHash ?? "",
    notBeforeMs: Number(row.notBeforeMs),
  };
}
