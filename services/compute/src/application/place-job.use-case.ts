import type { Clock } from "@aios/kernel/clock";
import type { Address, JobId } from "@aios/kernel/identifiers";
import { crashPoint } from "@aios/service-kit/crash-point";
import { fundingRefused, jobEnded } from "../domain/errors.js";
import type { Job } from "../domain/job.js";
import { sign } from "../domain/job-transitions.js";
import type { ChainWriter, JobStore } from "../domain/ports.js";
import { ownJob } from "./own-job.js";
import { type NamedSignature, requireSignature } from "./signatures.js";
import { orderToSign, permitToSign } from "./what-to-sign.js";

/** Takes the buyer's signatures, finds out beforehand whether the escrow would accept them, and lets funding begin. */
export class PlaceJob {
  readonly #jobs: JobStore;
  readonly #chain: ChainWriter;
  readonly #clock: Clock;

  constructor(jobs: JobStore, chain: ChainWriter, clock: Clock) {
    this.#jobs = jobs;
    this.#chain = chain;
    this.#clock = clock;
  }

  /** A job that is placed already is answered as it stands. */
  async execute(account: Address, jobId: JobId, signatures: readonly NamedSignature[]): Promise<Job> {
    const job = await ownJob(this.#jobs, account, jobId);
    if (job.state === "failed") throw jobEnded(jobId, job.state, job.error?.code ?? "");
    if (job.state !== "prepared") return job;
    const orderSignature = requireSignature(signatures, "order", orderToSign(job), job.buyer);
    const permit = permitToSign(job);
    const permitSignature =
      permit === undefined ? "" : requireSignature(signatures, "permit", permit, job.buyer);
    const refused = await this.#chain.simulateOpen({ ...job, orderSignature, permitSignature });
    if (refused !== undefined) {
      throw fundingRefused(
        refused.code,
        refused.message,
        JSON.parse(refused.detailsJson) as Record<string, unknown>,
      );
    }
    crashPoint("compute.place.before-store");
    const placed = await this.#jobs.change(jobId, (stored) => ({
      job: sign(stored, orderSignature, permitSignature, this.#clock.now()),
    }));
    crashPoint("compute.place.after-store");
    return placed ?? job;
  }
}
