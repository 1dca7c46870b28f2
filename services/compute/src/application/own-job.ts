import type { Address, JobId } from "@aios/kernel/identifiers";
import { tenantOfAccount } from "@aios/kernel/identifiers";
import { jobNotFound, notYourJob } from "../domain/errors.js";
import type { Job } from "../domain/job.js";
import type { JobStore } from "../domain/ports.js";

/** The account's own job. Throws `job-not-found`, `not-your-job`. */
export async function ownJob(jobs: JobStore, account: Address, jobId: JobId): Promise<Job> {
  const job = await jobs.find(jobId);
  if (job === undefined) throw jobNotFound(jobId);
  if (job.buyer !== account && job.tenant !== tenantOfAccount(account)) throw notYourJob(jobId);
  return job;
}
