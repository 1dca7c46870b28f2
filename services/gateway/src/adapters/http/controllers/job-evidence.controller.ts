import { Controller, Get, Inject, Param, Req } from "@nestjs/common";
import type { z } from "zod";
import {
  COMPUTE,
  type ComputePeer,
  ECONOMY,
  type EconomyPeer,
  PROVER,
  type ProverPeer,
  SCORING,
  type ScoringPeer,
} from "../../../application/peers.js";
import { type GatewayCall, reading } from "../pipeline/gateway-request.js";
import { Operation } from "../pipeline/operation.js";
import { moneyView, paymentsView, proofView } from "../schemas/job.schemas.js";
import { receiptsView } from "../schemas/platform.schemas.js";
import { moneyViewOf, paymentsViewOf, proofViewOf } from "../views/job.views.js";
import { receiptViewOf } from "../views/platform.views.js";
import { jobParams } from "./job.controller.js";

/** What settles doubts about a job: payments, money, proof, receipts. Compute decides first whether the caller may see it. */
@Controller("v1/jobs/:jobId")
export class JobEvidenceController {
  constructor(
    @Inject(COMPUTE) private readonly compute: ComputePeer,
    @Inject(ECONOMY) private readonly economy: EconomyPeer,
    @Inject(PROVER) private readonly prover: ProverPeer,
    @Inject(SCORING) private readonly scoring: ScoringPeer,
  ) {}

  @Get("payments")
  @Operation({
    id: "listJobPayments",
    summary: "Every movement of the job's money, from indexed chain events",
    tag: "jobs",
    access: "account",
    params: jobParams,
    answer: paymentsView,
    problems: [403, 404],
  })
  async payments(
    @Req() request: GatewayCall,
    @Param("jobId") id: string,
  ): Promise<z.infer<typeof paymentsView>> {
    const jobId = await this.#visibleJob(request, id);
    return paymentsViewOf(await this.economy.getJobPayments({ jobId }, reading(request)));
  }

  @Get("money")
  @Operation({
    id: "explainJobMoney",
    summary: "Where the job's money is, who may act next and until when",
    tag: "jobs",
    access: "account",
    params: jobParams,
    answer: moneyView,
    problems: [403, 404],
  })
  async money(@Req() request: GatewayCall, @Param("jobId") id: string): Promise<z.infer<typeof moneyView>> {
    const jobId = await this.#visibleJob(request, id);
    return moneyViewOf(await this.economy.explainJobMoney({ jobId }, reading(request)));
  }

  @Get("proof")
  @Operation({
    id: "getJobProof",
    summary: "The job's zero-knowledge proof and its public inputs",
    tag: "jobs",
    access: "account",
    params: jobParams,
    answer: proofView,
    problems: [403, 404],
  })
  async proof(@Req() request: GatewayCall, @Param("jobId") id: string): Promise<z.infer<typeof proofView>> {
    const jobId = await this.#visibleJob(request, id);
    return proofViewOf((await this.prover.getProof({ jobId }, reading(request))).proof);
  }

  @Get("receipts")
  @Operation({
    id: "listJobReceipts",
    summary: "Signed receipts of the job",
    tag: "jobs",
    access: "account",
    params: jobParams,
    answer: receiptsView,
    problems: [403, 404],
  })
  async receipts(
    @Req() request: GatewayCall,
    @Param("jobId") id: string,
  ): Promise<z.infer<typeof receiptsView>> {
    const jobId = await this.#visibleJob(request, id);
    const { receipts } = await this.scoring.listReceipts({ account: "", jobId }, reading(request));
    return { receipts: receipts.map(receiptViewOf) };
  }

  /** Throws what compute says: `not-found`, or `forbidden` for another account's job. */
  async #visibleJob(request: GatewayCall, id: string): Promise<string> {
    const jobId = id.toLowerCase();
    await this.compute.getJob({ jobId }, reading(request));
    return jobId;
  }
}
