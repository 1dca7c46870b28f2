import type { JobId } from "@aios/kernel/identifiers";
import { jobNotOnChain } from "../domain/errors.js";
import {
  type EscrowJob,
  explainJobMoney,
  type JobMoneyExplanation,
  jobFromEvents,
} from "../domain/job-money.js";
import type { IndexStore } from "../domain/ports.js";

/** A job's money from its indexed events. Both throw `job-not-on-chain`. */
export class ExplainJobUseCase {
  constructor(private readonly index: IndexStore) {}

  async job(jobId: JobId): Promise<EscrowJob> {
    const job = jobFromEvents(await this.index.eventsAbout(`job:${jobId}`));
    if (job === undefined) throw jobNotOnChain(jobId);
    return job;
  }

  async explain(jobId: JobId): Promise<JobMoneyExplanation> {
    const explanation = explainJobMoney(await this.index.eventsAbout(`job:${jobId}`));
    if (explanation === undefined) throw jobNotOnChain(jobId);
    return explanation;
  }
}
