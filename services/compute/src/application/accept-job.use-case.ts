import { type TypedData, typedDataJson } from "@aios/core-settlement/signed-data";
import type { Clock } from "@aios/kernel/clock";
import type { Address, JobId } from "@aios/kernel/identifiers";
import { crashPoint } from "@aios/service-kit/crash-point";
import { notAcceptable } from "../domain/errors.js";
import { isSettledByWord, type Job } from "../domain/job.js";
import { accept } from "../domain/job-transitions.js";
import type { JobStore } from "../domain/ports.js";
import { ownJob } from "./own-job.js";
import { type NamedSignature, requireSignature } from "./signatures.js";
import { acceptanceToSign, type ToSign } from "./what-to-sign.js";

/** The buyer takes an unproven result as delivered, before the challenge window ends. */
export class AcceptJob {
  readonly #jobs: JobStore;
  readonly #clock: Clock;

  constructor(jobs: JobStore, clock: Clock) {
    this.#jobs = jobs;
    this.#clock = clock;
  }

  async prepare(account: Address, jobId: JobId): Promise<readonly ToSign[]> {
    const data = requireAcceptable(await ownJob(this.#jobs, account, jobId));
    return [{ name: "acceptance", typedDataJson: typedDataJson(data) }];
  }

  async execute(account: Address, jobId: JobId, signatures: readonly NamedSignature[]): Promise<Job> {
    const job = await ownJob(this.#jobs, account, jobId);
    if (job.state === "settled" || job.acceptanceSignature !== "") return job;
    const signature = requireSignature(signatures, "acceptance", requireAcceptable(job), job.buyer);
    crashPoint("compute.accept.before-store");
    const changed = await this.#jobs.change(jobId, (stored) => ({
      job: accept(stored, signature, this.#clock.now()),
    }));
    return changed ?? job;
  }
}

function requireAcceptable(job: Job): TypedData {
  const data = acceptanceToSign(job);
  const waits = job.state === "delivered" || job.state === "pending";
  if (data === undefined || !waits || !isSettledByWord(job.verification)) {
    throw notAcceptable(job.jobId, job.state, job.verification);
  }
  return data;
}
