import { jobId } from "@aios/kernel/identifiers";
import {
  type AcceptJobRequest,
  type AcceptJobResponse,
  type GetJobRequest,
  type GetJobResponse,
  type ListJobsRequest,
  type ListJobsResponse,
  type PlaceJobRequest,
  type PlaceJobResponse,
  type PrepareAcceptanceRequest,
  type PrepareAcceptanceResponse,
  type PrepareJobRequest,
  type PrepareJobResponse,
  type QuoteJobRequest,
  type QuoteJobResponse,
  Verification,
  type WatchJobRequest,
  type WatchJobResponse,
} from "@aios/proto/aios/compute/v1/compute";
import { AllowCallers } from "@aios/service-kit/allow-callers";
import { currentTraceHeaders } from "@aios/service-kit/tracing";
import { Controller, Inject } from "@nestjs/common";
import { GrpcMethod } from "@nestjs/microservices";
import { Observable } from "rxjs";
import { AcceptJob } from "../../application/accept-job.use-case.js";
import { Admission } from "../../application/admission.js";
import { ownJob } from "../../application/own-job.js";
import { PlaceJob } from "../../application/place-job.use-case.js";
import { PrepareJob } from "../../application/prepare-job.use-case.js";
import { QuoteJob } from "../../application/quote-job.use-case.js";
import { WatchJob } from "../../application/watch-job.js";
import { placementSignatures } from "../../application/what-to-sign.js";
import type { JobStore } from "../../domain/ports.js";
import { JOB_STORE } from "../../tokens.js";
import {
  fromVerification,
  signedInAccount,
  toJobMessage,
  toRequestedWork,
  toVerification,
} from "./job-mapping.js";
import { pageSize, readPageToken, writePageToken } from "./page-token.js";

@Controller()
@AllowCallers("gateway")
export class JobController {
  constructor(
    @Inject(Admission) private readonly admission: Admission,
    @Inject(QuoteJob) private readonly quotes: QuoteJob,
    @Inject(PrepareJob) private readonly prepare: PrepareJob,
    @Inject(PlaceJob) private readonly place: PlaceJob,
    @Inject(AcceptJob) private readonly acceptance: AcceptJob,
    @Inject(JOB_STORE) private readonly jobs: JobStore,
    @Inject(WatchJob) private readonly watches: WatchJob,
  ) {}

  @GrpcMethod("ComputeService", "QuoteJob")
  async quoteJob(request: QuoteJobRequest): Promise<QuoteJobResponse> {
    const { account } = signedInAccount();
    const { quotes, refusals } = await this.quotes.execute(account, toRequestedWork(request.spec));
    return {
      refusals: refusals.map((refused) => ({
        ...refused,
        verification: fromVerification(refused.verification),
        fits:
          refused.fits === undefined ? Verification.VERIFICATION_UNSPECIFIED : fromVerification(refused.fits),
      })),
      quotes: quotes.map((quote) => ({
        ...quote,
        verification: fromVerification(quote.verification),
        absent: [...quote.absent],
        priceWei: quote.priceWei.toString(),
      })),
    };
  }

  @GrpcMethod("ComputeService", "PrepareJob")
  async prepareJob(request: PrepareJobRequest): Promise<PrepareJobResponse> {
    const { account, tenant } = signedInAccount();
    const input = {
      account,
      tenant,
      requested: toRequestedWork(request.spec),
      verification: toVerification(request.verification),
      priceCapWei: request.priceCapWei,
      idempotencyKey: request.idempotencyKey,
      outputRecipientPublicKey: request.outputRecipientPublicKey,
      traceparent: currentTraceHeaders()["traceparent"] ?? "",
    };
    const { job, inputSalt } = await this.admission.run(() => this.prepare.execute(input));
    return { job: toJobMessage(job), toSign: [...placementSignatures(job)], inputSalt };
  }

  @GrpcMethod("ComputeService", "PlaceJob")
  async placeJob(request: PlaceJobRequest): Promise<PlaceJobResponse> {
    const { account } = signedInAccount();
    const id = jobId(request.jobId);
    const job = await this.admission.run(() => this.place.execute(account, id, request.signatures));
    return { job: toJobMessage(job) };
  }

  @GrpcMethod("ComputeService", "GetJob")
  async getJob(request: GetJobRequest): Promise<GetJobResponse> {
    const { account } = signedInAccount();
    return { job: toJobMessage(await ownJob(this.jobs, account, jobId(request.jobId))) };
  }

  @GrpcMethod("ComputeService", "ListJobs")
  async listJobs(request: ListJobsRequest): Promise<ListJobsResponse> {
    const { tenant } = signedInAccount();
    const size = pageSize(request.pageSize);
    const jobs = await this.jobs.list(tenant, size + 1, readPageToken(request.pageToken));
    const page = jobs.slice(0, size);
    const last = page.at(-1);
    return {
      jobs: page.map(toJobMessage),
      nextPageToken: jobs.length > size && last !== undefined ? writePageToken(last) : "",
    };
  }

  @GrpcMethod("ComputeService", "WatchJob")
  async watchJob(request: WatchJobRequest): Promise<Observable<WatchJobResponse>> {
    const { account } = signedInAccount();
    const id = jobId(request.jobId);
    await ownJob(this.jobs, account, id);
    return new Observable((subscriber) => {
      let shown = "";
      const watch = this.watches.watch(id, {
        show(job) {
          const message = toJobMessage(job);
          const text = JSON.stringify(message);
          if (text === shown) return;
          shown = text;
          subscriber.next({ job: message });
        },
        end: () => subscriber.complete(),
        failed: (error) => subscriber.error(error),
      });
      return () => watch[Symbol.dispose]();
    });
  }

  @GrpcMethod("ComputeService", "PrepareAcceptance")
  async prepareAcceptance(request: PrepareAcceptanceRequest): Promise<PrepareAcceptanceResponse> {
    const { account } = signedInAccount();
    return { toSign: [...(await this.acceptance.prepare(account, jobId(request.jobId)))] };
  }

  @GrpcMethod("ComputeService", "AcceptJob")
  async acceptJob(request: AcceptJobRequest): Promise<AcceptJobResponse> {
    const { account } = signedInAccount();
    return {
      job: toJobMessage(await this.acceptance.execute(account, jobId(request.jobId), request.signatures)),
    };
  }
}
