import type { JobId } from "@aios/kernel/identifiers";
import { topics } from "@aios/proto/topics";
import { outbox } from "@aios/service-kit/outbox";
import type { inTransaction, PostgresPool } from "@aios/service-kit/postgres-pool";
import { contradictsDelivery } from "../../domain/counted-output.js";
import { type Job, shownLease } from "../../domain/job.js";
import type { JobChange } from "../../domain/ports.js";
import { type JobWithLeases, jobBody, jobFromQuery, leaseBody } from "./job-row.js";

// The hot path of everything, in plain statements and as few of them as possible: every job is read and changed
// dozens of times. The functions are in the migrations.

/** A connection inside a transaction. */
export type TransactionClient = Parameters<Parameters<typeof inTransaction>[1]>[0];

interface JobAnswer {
  readonly job: JobWithLeases | null;
}

export async function readJob(db: PostgresPool, jobId: JobId): Promise<Job | undefined> {
  return jobOf((await db.query<JobAnswer>("SELECT job_with_leases($1) AS job", [jobId])).rows);
}

/** Waits for the job's row, locks it until the transaction ends, and reads what is there then. */
export async function lockJob(client: TransactionClient, jobId: JobId): Promise<Job | undefined> {
  return jobOf((await client.query<JobAnswer>("SELECT lock_job($1) AS job", [jobId])).rows);
}

function jobOf(rows: readonly JobAnswer[]): Job | undefined {
  const job = rows[0]?.job ?? null;
  return job === null ? undefined : jobFromQuery(job);
}

/** Writes what differs from `before`, and whatever the change says beside it. The job's row is locked. */
export async function saveJob(
  client: TransactionClient,
  before: Job,
  change: JobChange,
  nowMs: number,
  wakeAtMs: number | undefined,
): Promise<void> {
  const { job } = change;
  // Ended leases first: the index that allows one live lease is checked at every row.
  const leases = job.leases
    .filter((lease) => !before.leases.includes(lease))
    .sort((a, b) => Number(b.state === "ended") - Number(a.state === "ended"));
  const values = [job.jobId, job.state, nowMs, wakeAtMs ?? null, JSON.stringify(jobBody(job)), job.tenant];
  if (leases.length === 0) await client.query(SAVE_JOB, values);
  else {
    const rows = leases.map((lease) => ({
      fencing_token: lease.fencingToken,
      provider: lease.provider,
      state: lease.state,
      offered_at_ms: lease.offeredAtMs,
      body: leaseBody(lease),
    }));
    await client.query(SAVE_JOB_AND_LEASES, [...values, JSON.stringify(rows)]);
  }
  if (job.terms !== before.terms) {
    await client.query("UPDATE job SET terms = $2::jsonb WHERE job_id = $1 AND tenant = $3", [
      job.jobId,
      JSON.stringify(job.terms),
      job.tenant,
    ]);
  }
  if (change.fault !== undefined) {
    const { fencingToken, provider, reason } = change.fault;
    await client.query(
      `INSERT INTO provider_fault (job_id, fencing_token, tenant, provider, reason, at_ms)
       VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`,
      [job.jobId, fencingToken, job.tenant, provider, reason, nowMs],
    );
  }
  if (change.publishReceipt === true) await publishReceipt(client, job);
}

const SAVE_JOB = `
  UPDATE job SET state = $2, updated_at_ms = $3::bigint, wake_at_ms = $4::bigint, body = $5::jsonb
  WHERE job_id = $1 AND tenant = $6`;

const SAVE_JOB_AND_LEASES = `
  WITH saved AS (${SAVE_JOB})
  INSERT INTO job_lease (job_id, fencing_token, tenant, provider, state, offered_at_ms, body)
  SELECT $1, lease.fencing_token, $6, lease.provider, lease.state, lease.offered_at_ms, lease.body
  FROM ROWS FROM (json_to_recordset($7::json)
    AS (fencing_token integer, provider text, state text, offered_at_ms bigint, body jsonb))
    WITH ORDINALITY AS lease (fencing_token, provider, state, offered_at_ms, body, position)
  ORDER BY lease.position
  ON CONFLICT (job_id, fencing_token) DO UPDATE SET state = excluded.state, body = excluded.body`;

async function publishReceipt(client: TransactionClient, job: Job): Promise<void> {
  const lease = shownLease(job);
  const result = lease?.result;
  // A receipt for another output than the one that was paid for says nothing.
  if (result === undefined || contradictsDelivery(job, lease)) return;
  await outbox.add(client, topics.computeReceiptIssued, {
    jobId: job.jobId,
    kind: job.kind === "inference" ? "inference" : "training-round",
    receiptJson: result.receiptJson,
    providerSignature: Buffer.from(result.receiptSignature.slice(2), "hex"),
    settlementTransactionHash: job.settlementTransactionHash,
  });
}
