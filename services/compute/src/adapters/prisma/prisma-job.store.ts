import type { Clock } from "@aios/kernel/clock";
import type { Address, JobId, TenantId } from "@aios/kernel/identifiers";
import { crashPoint } from "@aios/service-kit/crash-point";
import { inTransaction, type PostgresPool } from "@aios/service-kit/postgres-pool";
import type { PrismaClient } from "../../../generated/prisma/client.js";
import type { Job } from "../../domain/job.js";
import { type StepPolicy, wakeAtMs } from "../../domain/next-step.js";
import type {
  JobChange,
  JobCursor,
  JobStore,
  NewJob,
  PlacementRecord,
  PlacementView,
  Placing,
  StoredRequest,
} from "../../domain/ports.js";
import { jobBody, jobFromRow, termsColumn } from "./job-row.js";
import { lockJob, readJob, saveJob, type TransactionClient } from "./locked-job.js";
import { readPlacementFacts, readStanding } from "./market-query.js";
import { forgetPlacements, readOffersAt, savePlacement } from "./placement-history.js";

/** All placements take turns under this advisory lock, so that a free slot is given away once. */
const PLACEMENT_LOCK = 0x61_69_6f_70;
const WAITING_STATES = ["funded"];

export class PrismaJobStore implements JobStore {
  readonly #prisma: PrismaClient;
  readonly #pool: PostgresPool;
  readonly #clock: Clock;
  readonly #policy: StepPolicy;
  readonly #onChange: (change: StoredChange) => void;
  #lastPlacement: Promise<unknown> = Promise.resolve();

  constructor(
    prisma: PrismaClient,
    pool: PostgresPool,
    clock: Clock,
    policy: StepPolicy,
    onChange: (change: StoredChange) => void,
  ) {
    this.#prisma = prisma;
    this.#pool = pool;
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
    if (count > 0) this.#onChange({ before: undefined, job, wakeAt, fault: undefined });
    return count > 0;
  }

  async find(jobId: JobId): Promise<Job | undefined> {
    return readJob(this.#pool, jobId);
  }

  // By its id: the buyer's own key, and a buyer's jobs are all of one tenant.
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
    const saved = await inTransaction(this.#pool, async (client): Promise<Saved> => {
      const job = await lockJob(client, jobId);
      const change = job === undefined ? undefined : work(job);
      if (job === undefined || change === undefined || change.job === job) return unchanged(job);
      return this.#save(client, job, change);
    });
    this.#tell(saved);
    return saved.job;
  }

  async place(
    jobId: JobId,
    work: (job: Job, view: PlacementView) => Promise<Placing | undefined>,
  ): ReturnType<JobStore["place"]> {
    const { saved, recordedHead } = await this.#inTurn(() => this.#placeLocked(jobId, work));
    this.#tell(saved);
    return { job: saved.job, recordedHead };
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
  ): Promise<{ readonly saved: Saved; readonly recordedHead: number | undefined }> {
    return inTransaction(this.#pool, async (client) => {
      // One order of locks everywhere: first all placements, then the job's row.
      await client.query("SELECT pg_advisory_xact_lock($1::bigint)", [PLACEMENT_LOCK]);
      const job = await lockJob(client, jobId);
      if (job === undefined) return { saved: unchanged(job), recordedHead: undefined };
      const facts = await readPlacementFacts(client, job.tenant);
      const placing = await work(job, {
        ...facts,
        standing: (provider) => readStanding(client, provider, this.#clock.now()),
        recordedOffers: () => readOffersAt(client, facts.recordedHead),
      });
      if (placing === undefined) return { saved: unchanged(job), recordedHead: undefined };
      const recordedHead = await savePlacement(client, job.tenant, placing, facts.recordedHead);
      return { saved: await this.#save(client, job, placing.change), recordedHead };
    });
  }

  // All tenants: the engine takes everybody's jobs in turn.
  async due(nowMs: number, limit: number): Promise<readonly JobId[]> {
    const rows = await this.#prisma.job.findMany({
      where: { wakeAtMs: { lte: BigInt(nowMs) } },
      orderBy: { wakeAtMs: "asc" },
      take: limit,
      select: { jobId: true },
    });
    return rows.map((row) => row.jobId as JobId);
  }

  // All tenants: the engine takes everybody's jobs in turn.
  async nextDueMs(): Promise<number | undefined> {
    const row = await this.#prisma.job.findFirst({
      where: { wakeAtMs: { not: null } },
      orderBy: { wakeAtMs: "asc" },
      select: { wakeAtMs: true },
    });
    return row?.wakeAtMs === undefined || row.wakeAtMs === null ? undefined : Number(row.wakeAtMs);
  }

  // By its id: the engine's own, that it has just worked on.
  async postpone(jobId: JobId, untilMs: number): Promise<void> {
    await this.#prisma.job.updateMany({ where: { jobId }, data: { wakeAtMs: BigInt(untilMs) } });
  }

  // All tenants: a provider that has time may take anybody's job.
  async waiting(limit: number): Promise<readonly Pick<Job, "jobId" | "kind">[]> {
    const rows = await this.#prisma.job.findMany({
      where: { state: { in: WAITING_STATES }, leases: { none: { state: { not: "ended" } } } },
      orderBy: { createdAtMs: "asc" },
      take: limit,
      select: { jobId: true, kind: true },
    });
    return rows.map((row) => ({ jobId: row.jobId as JobId, kind: row.kind as Job["kind"] }));
  }

  // All tenants: what a provider works on, for whomever.
  async liveOf(provider: Address): Promise<readonly Job[]> {
    const rows = await this.#prisma.job.findMany({
      where: { leases: { some: { provider, state: { not: "ended" } } } },
      orderBy: { createdAtMs: "asc" },
      take: 1_000,
      include: { leases: true },
    });
    return rows.map((row) => jobFromRow(row, row.leases));
  }

  // By its id: nobody can guess a job's, and who asks for a user compares the buyer.
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
      marketHead: row.marketHead === null ? undefined : Number(row.marketHead),
    }));
  }

  async offersAt(recordedHead: number): Promise<readonly string[]> {
    return [...(await readOffersAt(this.#pool, recordedHead)).values()];
  }

  forgetPlacements(beforeMs: number, limit: number): Promise<number> {
    return forgetPlacements(this.#pool, beforeMs, limit);
  }

  // All tenants: a metric of the whole service.
  async countByState(): Promise<ReadonlyMap<string, number>> {
    const groups = await this.#prisma.job.groupBy({ by: ["state"], _count: { _all: true } });
    return new Map(groups.map((group) => [group.state, group._count._all]));
  }

  async #save(client: TransactionClient, before: Job, change: JobChange): Promise<Saved> {
    const nowMs = this.#clock.now();
    const wakeAt = wakeAtMs(change.job, nowMs, this.#policy);
    await saveJob(client, before, change, nowMs, wakeAt);
    crashPoint("compute.job.before-commit");
    const { fault } = change;
    const stored = {
      before,
      job: change.job,
      wakeAt,
      fault: fault === undefined ? undefined : { ...fault, atMs: nowMs },
    };
    return { job: change.job, stored };
  }

  /** After the transaction: what is told has happened. */
  #tell({ stored }: Saved): void {
    if (stored !== undefined) this.#onChange(stored);
  }
}

/** A change of a job that has been stored. */
export interface StoredChange {
  /** Undefined for a new job. */
  readonly before: Job | undefined;
  readonly job: Job;
  readonly wakeAt: number | undefined;
  readonly fault: (NonNullable<JobChange["fault"]> & { readonly atMs: number }) | undefined;
}

interface Saved {
  readonly job: Job | undefined;
  readonly stored: StoredChange | undefined;
}

function unchanged(job: Job | undefined): Saved {
  return { job, stored: undefined };
}
