import { typedDataJson } from "@aios/core-settlement/signed-data";
import type { Clock } from "@aios/kernel/clock";
import type { CodedError } from "@aios/kernel/coded-error";
import type { Address, JobId } from "@aios/kernel/identifiers";
import { crashPoint } from "@aios/service-kit/crash-point";
import { fundingRefused, jobEnded } from "../domain/errors.js";
import { PERMIT_STALE } from "../domain/funding-refusal.js";
import type { Job, JobError } from "../domain/job.js";
import { renewPermit, sign } from "../domain/job-transitions.js";
import type { ChainReader, ChainWriter, JobStore } from "../domain/ports.js";
import { ownJob } from "./own-job.js";
import { permitTermsFor } from "./permit-terms.js";
import { type NamedSignature, requireSignature } from "./signatures.js";
import { orderToSign, permitToSign } from "./what-to-sign.js";

/** Takes the buyer's signatures, finds out beforehand whether the escrow would accept them, and lets funding begin. */
export class PlaceJob {
  readonly #jobs: JobStore;
  readonly #chain: ChainWriter;
  readonly #reader: ChainReader;
  readonly #clock: Clock;

  constructor(jobs: JobStore, chain: ChainWriter, reader: ChainReader, clock: Clock) {
    this.#jobs = jobs;
    this.#chain = chain;
    this.#reader = reader;
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
    if (refused !== undefined) throw await this.#refusal(job, refused);
    crashPoint("compute.place.before-store");
    const placed = await this.#jobs.change(jobId, (stored) => ({
      job: sign(stored, orderSignature, permitSignature, this.#clock.now()),
    }));
    crashPoint("compute.place.after-store");
    return placed ?? job;
  }

  /** A permit that another one overtook is renewed: the order stands, and the refusal carries what to sign anew. */
  async #refusal(job: Job, { code, message, detailsJson }: JobError): Promise<CodedError> {
    const details = JSON.parse(detailsJson) as Record<string, unknown>;
    if (code !== PERMIT_STALE) return fundingRefused(code, message, details);
    const { contracts, order } = job.terms;
    const capWei = BigInt(order.maxPriceWei);
    const permit = await permitTermsFor(this.#reader, job.buyer, capWei, contracts, order.leaseBy);
    const renewed = await this.#jobs.change(job.jobId, (stored) => ({ job: renewPermit(stored, permit) }));
    const typedData = permitToSign(renewed ?? job);
    return fundingRefused(code, message, {
      ...details,
      permit: typedData === undefined ? null : JSON.parse(typedDataJson(typedData)),
    });
  }
}
