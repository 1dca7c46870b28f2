import { address, jobId } from "@aios/kernel/identifiers";
import type {
  ChainTransactionEnded,
  EscrowJobChanged,
  ProofEnded,
  ProviderStakeChanged,
} from "@aios/proto/aios/events/v1/events";
import { topics } from "@aios/proto/topics";
import { actingFor } from "@aios/service-kit/caller-context";
import { Controller, Inject } from "@nestjs/common";
import { EventPattern, Payload } from "@nestjs/microservices";
import { FollowEscrow } from "../../application/follow-escrow.use-case.js";
import { JobEngine } from "../../application/job-engine.js";
import { ProveResult } from "../../application/prove-result.js";
import { WriteToChain } from "../../application/write-to-chain.js";
import type { EscrowFact } from "../../domain/job-transitions.js";
import type { JobStore, ProviderStore } from "../../domain/ports.js";
import { JOB_STORE, PROVIDER_STORE } from "../../tokens.js";

const ESCROW_STATES: readonly EscrowFact["state"][] = [
  "funded",
  "leased",
  "delivered",
  "pending",
  "settled",
  "refunded",
];

/** What economy and zk-prover say. Every handler is idempotent by the facts themselves: positions, keys, states. */
@Controller()
export class ChainEventsConsumer {
  constructor(
    @Inject(FollowEscrow) private readonly escrow: FollowEscrow,
    @Inject(WriteToChain) private readonly writes: WriteToChain,
    @Inject(ProveResult) private readonly proofs: ProveResult,
    @Inject(JobEngine) private readonly engine: JobEngine,
    @Inject(JOB_STORE) private readonly jobs: JobStore,
    @Inject(PROVIDER_STORE) private readonly providers: ProviderStore,
  ) {}

  @EventPattern<string>(topics.economyJobChanged.name)
  async onJobChanged(@Payload() event: EscrowJobChanged): Promise<void> {
    const state = ESCROW_STATES.find((known) => known === event.state);
    if (state === undefined) return;
    await this.escrow.execute(jobId(event.jobId), {
      state,
      fencingToken: event.fencingToken,
      transactionHash: event.transactionHash,
      gasUsed: event.gasUsed,
      position: { blockNumber: event.blockNumber, logIndex: event.logIndex },
      chainTimeMs: event.chainTimeSeconds * 1_000,
      output: event.output,
      outputHash: event.outputHash,
      deadlineMs: event.deadlineSeconds * 1_000,
    });
  }

  @EventPattern<string>(topics.economyTransactionEnded.name)
  async onTransactionEnded(@Payload() event: ChainTransactionEnded): Promise<void> {
    const { succeeded, errorCode, errorMessage, errorDetailsJson } = event;
    const error = succeeded
      ? undefined
      : { code: errorCode, message: errorMessage, detailsJson: errorDetailsJson || "{}" };
    await this.writes.ended(event.idempotencyKey, error);
  }

  @EventPattern<string>(topics.proverProofEnded.name)
  async onProofEnded(@Payload() event: ProofEnded): Promise<void> {
    const job = await this.jobs.find(jobId(event.jobId));
    if (job === undefined) return;
    await actingFor({ account: job.buyer, tenant: job.tenant }, () => this.proofs.ended(job));
  }

  @EventPattern<string>(topics.economyProviderChanged.name)
  async onProviderChanged(@Payload() event: ProviderStakeChanged): Promise<void> {
    await this.providers.setStake(
      address(event.provider),
      event.registered,
      event.stakedWei,
      event.transactionHash,
    );
    if (event.registered) this.engine.placeWaiting();
  }
}
