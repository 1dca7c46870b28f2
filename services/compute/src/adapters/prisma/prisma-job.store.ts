import type { Clock } from "@aios/kernel/clock";
import type { Address, JobId, TenantId } from "@aios/kernel/identifiers";
import { topics } from "@aios/proto/topics";
import { crashPoint } from "@aios/service-kit/crash-point";
import { outbox } from "@aios/service-kit/outbox";
import type { Prisma, PrismaClient } from "../../../generated/prisma/client.js";
import { type Job, type Lease, shownLease } from "../../domain/job.js";
import { type StepPolicy, wakeAtMs } from "../../domain/next-step.js";
import type {
  JobChange,
  JobCursor,
  JobStore,
  MarketState,
  NewJob,
  PlacementRecord,
  StoredRequest,
} from "../../domain/ports.js";
import { type JobWithLeases, jobBody, jobFromQuery, jobFromRow, leaseBody, termsColumn } from "./job-row.js";
import { readMarket } from "./market-query.js";

type Transaction = Prisma.TransactionClient;

/** All placements take turns under this advisory lock, so that a free slot is given away once. */
const PLACEMENT_LOCK = 0x61_69_6f_70;
const WAITING_STATES = ["funded"];

export class PrismaJobStore implements JobStore {
  readonly #prisma: PrismaClient;
  readonly #clock: Clock;
  readonly #policy: StepPolicy;
  readonly #onChange: (job: Job, wakeAtMs: number | undefined) => void;
  #lastPlacement: Promise<unknown> = Promise.resolve();

  constructor(
    prisma: PrismaClient,
    clock: Clock,
    policy: StepPolicy,
    onChange: (job: Job, wakeAtMs: number | undefined) => void,
  ) {
    this.#prisma = prisma;
    this.#clock = clock;
    this.#policy = policy;
    this.#onChange = onChange;
  }

  async create(entry: NewJob): Promise<boolean> {
    const { job } = entry;
    const wakeAt = wakeAtMs(job, this.#clock.now(), this.#policy);
    const { count } = await this.#prisma.job.createMany({
      data: [
        {
          jobId: job.jobId,
          tenant: job.tenant,
          buyer: job.buyer,
          idempotencyKey: entry.idempotencyKey,
          bodyDigest: entry.bodyDigest,
          inputSalt: new Uint8Array(entry.inputSalt),
          kind: job.kind,
          verification: job.verification,
          state: job.state,
          createdAtMs: BigInt(job.createdAtMs),
          updatedAtMs: BigInt(job.createdAtMs),
          wakeAtMs: wakeAt === undefined ? null : BigInt(wakeAt),
          traceparent: job.traceparent,
          terms: termsColumn(job.terms),
          body: jobBody(job),
        },
      ],
      skipDuplicates: true,
    });
    if (count > 0) this.#onChange(job, wakeAt);
    return count > 0;
  }

  async find(jobId: JobId): Promise<Job | undefined> {
    return read(this.#prisma, jobId);
  }

  async findRequest(buyer: Address, idempotencyKey: string): Promise<StoredRequest | undefined> {
    const row = await this.#prisma.job.findUnique({
      where: { buyer_idempotencyKey: { buyer, idempotencyKey } },
      include: { leases: true },
    });
    if (row === null) return undefined;
    return { job: jobFromRow(row, row.leases), bodyDigest: row.bodyDigest, inputSalt: row.inputSalt };
  }

  async list(tenant: TenantId, limit: number, before: JobCursor | undefined): Promise<readonly Job[]> {
    const older =
      before === undefined
        ? {}
        : {
            OR: [
              { createdAtMs: { lt: BigInt(before.createdAtMs) } },
              { createdAtMs: BigInt(before.createdAtMs), jobId: { lt: before.jobId } },
            ],
          };
    const rows = await this.#prisma.job.findMany({
      where: { tenant, ...older },
      orderBy: [{ createdAtMs: "desc" }, { jobId: "desc" }],
      take: limit,
      include: { leases: true },
    });
    return rows.map((row) => jobFromRow(row, row.leases));
  }

  async change(jobId: JobId, work: (job: Job) => JobChange | undefined): Promise<Job | undefined> {
    const saved = await this.#prisma.$transaction(async (tx) => {
      const job = await lock(tx, jobId);
      const change = job === undefined ? undefined : work(job);
      if (job === undefined || change === undefined || change.job === job)
        return { job, wakeAt: undefined, changed: false };
      const wakeAt = await this.#save(tx, job, change);
      return { job: change.job, wakeAt, changed: true };
    });
    if (saved.changed && saved.job !== undefined) this.#onChange(saved.job, saved.wakeAt);
    return saved.job;
  }

  async place(
    jobId: JobId,
    work: (
      job: Job,
      market: MarketState,
    ) => { readonly change: JobChange; readonly placement: PlacementRecord } | undefined,
  ): Promise<Job | undefined> {
    const saved = await this.#inTurn(() => this.#placeLocked(jobId, work));
    if (saved.changed && saved.job !== undefined) this.#onChange(saved.job, saved.wakeAt);
    return saved.job;
  }

  /** Placements of this process wait here rather than on a connection each. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#lastPlacement.then(work, work);
    this.#lastPlacement = result.catch(() => undefined);
    return result;
  }

  #placeLocked(
    jobId: JobId,
    work: Parameters<JobStore["place"]>[1],
  ): Promise<{
    readonly job: Job | undefined;
    readonly wakeAt: number | undefined;
    readonly changed: boolean;
  }> {
    return this.#prisma.$transaction(async (tx) => {
      // One order of locks everywhere: first all placements, then the job's row.
      await tx.$executeRaw`SELECT pg_advisory_xact_lock(${PLACEMENT_LOCK}::bigint)`;
      const job = await lock(tx, jobId);
      if (job === undefined) return { job, wakeAt: undefined, changed: false };
      const placed = work(job, await readMarket(tx, job.tenant));
      if (placed === undefined) return { job, wakeAt: undefined, changed: false };
      const { placement, change } = placed;
      const row = { tenant: job.tenant, decidedAtMs: BigInt(placement.decidedAtMs), log: placement.log };
      await tx.placement.upsert({
        where: { jobId_fencingToken: { jobId, fencingToken: placement.fencingToken } },
        create: { jobId, fencingToken: placement.fencingToken, ...row },
        update: row,
      });
      const wakeAt = await this.#save(tx, job, change);
      return { job: change.job, wakeAt, changed: true };
    });
  }

  async due(nowMs: number, limit: number): Promise<readonly JobId[]> {
    const rows = await this.#prisma.job.findMany({
      where: { wakeAtMs: { lte: BigInt(nowMs) } },
      orderBy: { wakeAtMs: "asc" },
      take: limit,
      select: { jobId: true },
    });
    return rows.map((row) => row.jobId as JobId);
  }

  async nextDueMs(): Promise<number | undefined> {
    const row = await this.#prisma.job.findFirst({
      where: { wakeAtMs: { not: null } },
      orderBy: { wakeAtMs: "asc" },
      select: { wakeAtMs: true },
    });
    return row?.wakeAtMs === undefined || row.wakeAtMs === null ? undefined : Number(row.wakeAtMs);
  }

  async postpone(jobId: JobId, untilMs: number): Promise<void> {
    await this.#prisma.job.updateMany({ where: { jobId }, data: { wakeAtMs: BigInt(untilMs) } });
  }

  async waiting(limit: number): Promise<readonly JobId[]> {
    const rows = await this.#prisma.job.findMany({
      where: { state: { in: WAITING_STATES }, leases: { none: { state: { not: "ended" } } } },
      orderBy: { createdAtMs: "asc" },
      take: limit,
      select: { jobId: true },
    });
    return rows.map((row) => row.jobId as JobId);
  }

  async liveOf(provider: Address): Promise<readonly Job[]> {
    const rows = await this.#prisma.job.findMany({
      where: { leases: { some: { provider, state: { not: "ended" } } } },
      orderBy: { createdAtMs: "asc" },
      take: 1_000,
      include: { leases: true },
    });
    return rows.map((row) => jobFromRow(row, row.leases));
  }

  async placements(jobId: JobId): Promise<readonly PlacementRecord[]> {
    const rows = await this.#prisma.placement.findMany({
      where: { jobId },
      orderBy: { fencingToken: "asc" },
      take: 100,
    });
    return rows.map((row) => ({
      jobId,
      fencingToken: row.fencingToken,
      decidedAtMs: Number(row.decidedAtMs),
      log: row.log,
    }));
  }

  async countByState(): Promise<ReadonlyMap<string, number>> {
    const groups = await this.#prisma.job.groupBy({ by: ["state"], _count: { _all: true } });
    return new Map(groups.map((group) => [group.state, group._count._all]));
  }

  async #save(tx: Transaction, before: Job, change: JobChange): Promise<number | undefined> {
    const { job } = change;
    const nowMs = this.#clock.now();
    const wakeAt = wakeAtMs(job, nowMs, this.#policy);
    await tx.$executeRaw`
      UPDATE "job" SET "state" = ${job.state}, "updated_at_ms" = ${BigInt(nowMs)},
        "wake_at_ms" = ${wakeAt === undefined ? null : BigInt(wakeAt)}::bigint, "body" = ${JSON.stringify(jobBody(job))}::jsonb
      WHERE "job_id" = ${job.jobId}`;
    await saveLeases(tx, before, job);
    if (change.fault !== undefined) {
      const { fencingToken, provider, reason } = change.fault;
      await tx.providerFault.createMany({
        data: [{ jobId: job.jobId, fencingToken, tenant: job.tenant, provider, reason, atMs: BigInt(nowMs) }],
        skipDuplicates: true,
      });
    }
    if (change.publishReceipt === true) await publishReceipt(tx, job);
    crashPoint("compute.job.before-commit");
    return wakeAt;
  }
}

/** Two statements: one that waited for a lock sees that row as it is now, but everything else as it was before. */
async function lock(tx: Transaction, jobId: JobId): Promise<Job | undefined> {
  await tx.$executeRaw`SELECT 1 FROM "job" WHERE "job_id" = ${jobId} FOR UPDATE`;
  return read(tx, jobId);
}

/** The hot path of everything: one plain statement for the job and its leases. */
async function read(db: Pick<Transaction, "$queryRaw">, jobId: JobId): Promise<Job | undefined> {
  const [row] = await db.$queryRaw<JobWithLeases[]>`
    SELECT "job".*, (
      SELECT coalesce(json_agg(lease), '[]'::json) FROM "job_lease" lease WHERE lease."job_id" = "job"."job_id"
    ) AS "leases"
    FROM "job" WHERE "job_id" = ${jobId}`;
  return row === undefined ? undefined : jobFromQuery(row);
}

/** Ended leases first: the index that allows one live lease is checked at every statement. */
async function saveLeases(tx: Transaction, before: Job, after: Job): Promise<void> {
  const changed = after.leases.filter((lease) => !before.leases.includes(lease));
  const ordered = [...changed].sort((a, b) => Number(b.state === "ended") - Number(a.state === "ended"));
  for (const lease of ordered) await saveLease(tx, after, lease);
}

async function saveLease(tx: Transaction, job: Job, lease: Lease): Promise<void> {
  await tx.$executeRaw`
    INSERT INTO "job_lease" ("job_id", "fencing_token", "tenant", "provider", "state", "offered_at_ms", "body")
    VALUES (${job.jobId}, ${lease.fencingToken}, ${job.tenant}, ${lease.provider}, ${lease.state},
      ${BigInt(lease.offeredAtMs)}, ${JSON.stringify(leaseBody(lease))}::jsonb)
    ON CONFLICT ("job_id", "fencing_token") DO UPDATE SET "state" = excluded."state", "body" = excluded."body"`;
}

async function publishReceipt(tx: Transaction, job: Job): Promise<void> {
  const result = shownLease(job)?.result;
  if (result === undefined) return;
  await outbox.add(tx, topics.computeReceiptIssued, {
    jobId: job.jobId,
    kind: job.kind === "inference" ? "inference" : "training-round",
    receiptJson: result.receiptJson,
    providerSignature: Buffer.from(result.receiptSignature.slice(2), "hex"),
    settlementTransactionHash: job.settlementTransactionHash,
  });
}
