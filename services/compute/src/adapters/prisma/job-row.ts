import type { Job as JobRow, JobLease as LeaseRow } from "../../../generated/prisma/client.js";
import type { Job, JobTerms, Lease } from "../../domain/job.js";
import { decodeJob } from "./stored-row.js";

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

/** Throws `stored-row-unreadable`. */
export function jobFromQuery(row: JobWithLeases): Job {
  return decodeJob({
    jobId: row.job_id,
    tenant: row.tenant,
    buyer: row.buyer,
    kind: row.kind,
    verification: row.verification,
    state: row.state,
    createdAtMs: Number(row.created_at_ms),
    traceparent: row.traceparent,
    terms: row.terms,
    body: row.body,
    leases: row.leases.map((lease) => ({
      fencingToken: lease.fencing_token,
      provider: lease.provider,
      state: lease.state,
      offeredAtMs: Number(lease.offered_at_ms),
      body: lease.body,
    })),
  });
}

/** Throws `stored-row-unreadable`. */
export function jobFromRow(row: JobRow, leases: readonly LeaseRow[]): Job {
  return decodeJob({
    ...row,
    createdAtMs: Number(row.createdAtMs),
    leases: leases.map((lease) => ({ ...lease, offeredAtMs: Number(lease.offeredAtMs) })),
  });
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
