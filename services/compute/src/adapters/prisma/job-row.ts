import type { Address, JobId, TenantId } from "@aios/kernel/identifiers";
import type { Job as JobRow, JobLease as LeaseRow } from "../../../generated/prisma/client.js";
import type { Job, JobTerms, Lease, LeaseState } from "../../domain/job.js";

type LeaseBody = Omit<Lease, "fencingToken" | "provider" | "state" | "offeredAtMs">;
type JobBody = Omit<
  Job,
  | "jobId"
  | "tenant"
  | "buyer"
  | "kind"
  | "verification"
  | "state"
  | "createdAtMs"
  | "traceparent"
  | "terms"
  | "leases"
>;
/** JSON columns as the generated client types them. */
type JsonColumn = JobRow["body"] & object;

/** A job's row with its leases as one JSON value, as the database's function `job_with_leases` answers it. */
export interface JobWithLeases {
  readonly job_id: string;
  readonly tenant: string;
  readonly buyer: string;
  readonly kind: string;
  readonly verification: string;
  readonly state: string;
  readonly created_at_ms: number;
  readonly traceparent: string;
  readonly terms: object;
  readonly body: object;
  readonly leases: readonly {
    readonly fencing_token: number;
    readonly provider: string;
    readonly state: string;
    readonly offered_at_ms: number;
    readonly body: object;
  }[];
}

export function jobFromQuery(row: JobWithLeases): Job {
  const leases = [...row.leases].sort((a, b) => a.fencing_token - b.fencing_token);
  return {
    ...jobBodyFrom(row.body),
    jobId: row.job_id as JobId,
    tenant: row.tenant as TenantId,
    buyer: row.buyer as Address,
    kind: row.kind as Job["kind"],
    verification: row.verification as Job["verification"],
    state: row.state as Job["state"],
    createdAtMs: Number(row.created_at_ms),
    traceparent: row.traceparent,
    terms: row.terms as JobTerms,
    leases: leases.map((lease) => ({
      ...leaseBodyFrom(lease.body),
      fencingToken: lease.fencing_token,
      provider: lease.provider as Address,
      state: lease.state as LeaseState,
      offeredAtMs: Number(lease.offered_at_ms),
    })),
  };
}

export function jobFromRow(row: JobRow, leases: readonly LeaseRow[]): Job {
  return {
    ...jobBodyFrom(row.body),
    jobId: row.jobId as JobId,
    tenant: row.tenant as TenantId,
    buyer: row.buyer as Address,
    kind: row.kind as Job["kind"],
    verification: row.verification as Job["verification"],
    state: row.state as Job["state"],
    createdAtMs: Number(row.createdAtMs),
    traceparent: row.traceparent,
    terms: row.terms as unknown as JobTerms,
    leases: [...leases].sort((a, b) => a.fencingToken - b.fencingToken).map(leaseFromRow),
  };
}

/** Rows from before draws took a secret have none. */
function jobBodyFrom(body: unknown): JobBody {
  const stored = body as Partial<Pick<JobBody, "drawSecret">> & Omit<JobBody, "drawSecret">;
  return { ...stored, drawSecret: stored.drawSecret ?? "" };
}

/** Rows from before there were replicas do not say that they are leases. */
function leaseBodyFrom(body: unknown): LeaseBody {
  const stored = body as Partial<Pick<LeaseBody, "role">> & Omit<LeaseBody, "role">;
  return { ...stored, role: stored.role ?? "lease" };
}

function leaseFromRow(row: LeaseRow): Lease {
  return {
    ...leaseBodyFrom(row.body),
    fencingToken: row.fencingToken,
    provider: row.provider as Address,
    state: row.state as LeaseState,
    offeredAtMs: Number(row.offeredAtMs),
  };
}

/** The mutable part that has no column of its own. */
export function jobBody(job: Job): JsonColumn {
  const {
    jobId,
    tenant,
    buyer,
    kind,
    verification,
    state,
    createdAtMs,
    traceparent,
    terms,
    leases,
    ...body
  } = job;
  return body as unknown as JsonColumn;
}

export function leaseBody(lease: Lease): JsonColumn {
  const { fencingToken, provider, state, offeredAtMs, ...body } = lease;
  return body as unknown as JsonColumn;
}

export function termsColumn(terms: JobTerms): JsonColumn {
  return terms as unknown as JsonColumn;
}
