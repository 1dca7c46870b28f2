import { Body, Controller, Get, Inject, Param, Post, Put, Query, Req } from "@nestjs/common";
import { z } from "zod";
import { COMPUTE, type ComputePeer } from "../../../application/peers.js";
import { changing, type GatewayCall, reading, tenantOf } from "../pipeline/gateway-request.js";
import { Operation } from "../pipeline/operation.js";
import { idempotencyKeyOf } from "../pipeline/operation-runner.js";
import { PreparesSignatures, TakesSignatures } from "../pipeline/signing-operations.js";
import { bytes32, pageQuery, signaturesBody, signingRequests } from "../schemas/common.schemas.js";
import {
  jobsView,
  jobView,
  placementQuery,
  placementView,
  preparedJobView,
  prepareJobBody,
  quoteBody,
  quotesView,
} from "../schemas/job.schemas.js";
import {
  jobSpecMessage,
  jobViewOf,
  placementViewOf,
  preparedJobViewOf,
  quotesViewOf,
  verificationMessage,
} from "../views/job.views.js";
import { bytesOf, signatureMessages, signingRequestView, textOrNull } from "../views/scalar.views.js";

export const jobParams = z.object({ jobId: bytes32 });

@Controller("v1")
export class JobController {
  constructor(@Inject(COMPUTE) private readonly compute: ComputePeer) {}

  @Post("quotes")
  @Operation({
    id: "quoteJob",
    summary: "Price, time and trust of each way to verify a job; buys nothing",
    tag: "jobs",
    access: "account",
    repetition: "harmless",
    body: quoteBody,
    answer: quotesView,
    problems: [402, 404, 422],
  })
  async quote(
    @Req() request: GatewayCall,
    @Body() body: z.infer<typeof quoteBody>,
  ): Promise<z.infer<typeof quotesView>> {
    return quotesViewOf(await this.compute.quoteJob({ spec: jobSpecMessage(body) }, reading(request)));
  }

  @Post("jobs")
  @Operation({
    id: "prepareJob",
    summary: "Prepare a job; answers the typed data (order and permit) that the buyer signs",
    tag: "jobs",
    access: "account",
    repetition: "idempotency-key",
    body: prepareJobBody,
    answer: preparedJobView,
    status: 201,
    problems: [402, 404, 409, 422],
    cost: 2,
  })
  async prepare(
    @Req() request: GatewayCall,
    @Body() body: z.infer<typeof prepareJobBody>,
  ): Promise<z.infer<typeof preparedJobView>> {
    const prepared = await this.compute.prepareJob(
      {
        spec: jobSpecMessage(body),
        verification: verificationMessage(body.verification),
        priceCapWei: body.priceCapWei,
        idempotencyKey: `${tenantOf(request)}:${idempotencyKeyOf(request)}`,
        outputRecipientPublicKey: Buffer.from(bytesOf(body.outputRecipientPublicKey ?? "0x")),
      },
      { ...changing(), idempotent: true },
    );
    return preparedJobViewOf(prepared);
  }

  @Put("jobs/:jobId/signatures")
  @TakesSignatures({
    id: "placeJob",
    summary: "Hand in the buyer's signatures; the relayer funds the escrow",
    tag: "jobs",
    params: jobParams,
    answer: jobView,
    problems: [402, 403, 404, 409, 422],
  })
  async place(
    @Param("jobId") jobId: string,
    @Body() body: z.infer<typeof signaturesBody>,
  ): Promise<z.infer<typeof jobView>> {
    const signatures = signatureMessages(body.signatures);
    return jobViewOf(
      (await this.compute.placeJob({ jobId: jobId.toLowerCase(), signatures }, changing())).job,
    );
  }

  @Get("jobs")
  @Operation({
    id: "listJobs",
    summary: "The account's own jobs, newest first",
    tag: "jobs",
    access: "account",
    query: pageQuery,
    answer: jobsView,
  })
  async list(
    @Req() request: GatewayCall,
    @Query() query: z.infer<typeof pageQuery>,
  ): Promise<z.infer<typeof jobsView>> {
    const page = await this.compute.listJobs(
      { pageSize: query.pageSize, pageToken: query.cursor ?? "" },
      reading(request),
    );
    return { items: page.jobs.map(jobViewOf), nextCursor: textOrNull(page.nextPageToken) };
  }

  @Get("jobs/:jobId")
  @Operation({
    id: "getJob",
    summary: "A job of the account",
    tag: "jobs",
    access: "account",
    params: jobParams,
    answer: jobView,
    problems: [403, 404],
  })
  async get(@Req() request: GatewayCall, @Param("jobId") jobId: string): Promise<z.infer<typeof jobView>> {
    return jobViewOf((await this.compute.getJob({ jobId: jobId.toLowerCase() }, reading(request))).job);
  }

  @Post("jobs/:jobId/acceptance")
  @PreparesSignatures({
    id: "prepareAcceptance",
    summary: "Typed data that the buyer signs to accept an unproven result",
    tag: "jobs",
    params: jobParams,
    problems: [403, 404, 409],
  })
  async prepareAcceptance(@Param("jobId") jobId: string): Promise<z.infer<typeof signingRequests>> {
    const { toSign } = await this.compute.prepareAcceptance({ jobId: jobId.toLowerCase() }, changing());
    return { toSign: toSign.map(signingRequestView) };
  }

  @Put("jobs/:jobId/acceptance")
  @TakesSignatures({
    id: "acceptJob",
    summary: "Hand in the buyer's acceptance; the escrow settles",
    tag: "jobs",
    params: jobParams,
    answer: jobView,
    problems: [403, 404, 409],
  })
  async accept(
    @Param("jobId") jobId: string,
    @Body() body: z.infer<typeof signaturesBody>,
  ): Promise<z.infer<typeof jobView>> {
    const signatures = signatureMessages(body.signatures);
    return jobViewOf(
      (await this.compute.acceptJob({ jobId: jobId.toLowerCase(), signatures }, changing())).job,
    );
  }

  @Get("jobs/:jobId/placement")
  @Operation({
    id: "explainPlacement",
    summary: "Why this provider, why not that one; or why the job still waits",
    tag: "jobs",
    access: "account",
    params: jobParams,
    query: placementQuery,
    answer: placementView,
    problems: [403, 404],
  })
  async placement(
    @Req() request: GatewayCall,
    @Param("jobId") jobId: string,
    @Query() { provider = "" }: z.infer<typeof placementQuery>,
  ): Promise<z.infer<typeof placementView>> {
    return placementViewOf(
      await this.compute.explainPlacement({ jobId: jobId.toLowerCase(), provider }, reading(request)),
    );
  }
}
