import { address, jobId } from "@aios/kernel/identifiers";
import type {
  ExplainJobMoneyRequest,
  ExplainJobMoneyResponse,
  GetBalancesRequest,
  GetBalancesResponse,
  GetIndexerStatusResponse,
  GetJobPaymentsRequest,
  GetJobPaymentsResponse,
  GetProtocolResponse,
} from "@aios/proto/aios/economy/v1/economy";
import { AllowCallers } from "@aios/service-kit/allow-callers";
import { Controller, Inject } from "@nestjs/common";
import { GrpcMethod } from "@nestjs/microservices";
import { DescribeProtocolUseCase } from "../../application/describe-protocol.use-case.js";
import { ExplainJobUseCase } from "../../application/explain-job.use-case.js";
import type { ChainFollower } from "../../application/follow-chain.js";
import type { IndexStore, ProtocolReader } from "../../domain/ports.js";
import { FOLLOWER, INDEX_STORE, PROTOCOL_READER } from "../../tokens.js";

@Controller()
@AllowCallers("gateway", "compute", "marketplace", "scoring", "zk-prover", "storage")
export class MoneyController {
  constructor(
    @Inject(DescribeProtocolUseCase) private readonly describe: DescribeProtocolUseCase,
    @Inject(ExplainJobUseCase) private readonly jobs: ExplainJobUseCase,
    @Inject(PROTOCOL_READER) private readonly protocol: ProtocolReader,
    @Inject(INDEX_STORE) private readonly index: IndexStore,
    @Inject(FOLLOWER) private readonly follower: ChainFollower,
  ) {}

  @GrpcMethod("EconomyService", "GetProtocol")
  async getProtocol(): Promise<GetProtocolResponse> {
    const protocol = await this.describe.execute();
    return {
      chainId: Number(protocol.chainId),
      jsonRpcUrl: protocol.jsonRpcUrl,
      contracts: protocol.contracts,
      accounts: protocol.accounts,
      protocolFeeBps: protocol.terms.protocolFeeBps,
      challengeWindowSeconds: protocol.terms.challengeWindowSeconds,
      honkTauG2: [...protocol.terms.honkTauG2],
    };
  }

  @GrpcMethod("EconomyService", "GetBalances")
  async getBalances(request: GetBalancesRequest): Promise<GetBalancesResponse> {
    const balances = await this.protocol.balances(address(request.account, "account"));
    return {
      nativeWei: balances.nativeWei.toString(),
      wrappedWei: balances.wrappedWei.toString(),
      withdrawableWei: balances.withdrawableWei.toString(),
      stakedWei: balances.stakedWei.toString(),
      atBlock: Number(balances.atBlock),
    };
  }

  @GrpcMethod("EconomyService", "GetJobPayments")
  async getJobPayments(request: GetJobPaymentsRequest): Promise<GetJobPaymentsResponse> {
    const job = await this.jobs.job(jobId(request.jobId));
    return {
      payments: job.payments.map((payment) => ({
        kind: payment.kind,
        account: payment.account,
        amountWei: payment.amountWei.toString(),
        transactionHash: payment.transactionHash,
        blockNumber: Number(payment.blockNumber),
      })),
    };
  }

  @GrpcMethod("EconomyService", "ExplainJobMoney")
  async explainJobMoney(request: ExplainJobMoneyRequest): Promise<ExplainJobMoneyResponse> {
    const { state, explanation, nextActor, deadlineSeconds } = await this.jobs.explain(jobId(request.jobId));
    return { state, explanation: [...explanation], nextActor, deadlineSeconds: Number(deadlineSeconds) };
  }

  @GrpcMethod("EconomyService", "GetIndexerStatus")
  async getIndexerStatus(): Promise<GetIndexerStatusResponse> {
    const position = await this.index.position();
    return {
      indexedHeight: Number(position?.number ?? 0n),
      headHeight: Number(this.follower.headHeight),
      indexedBlockHash: Buffer.from((position?.hash ?? "0x").slice(2), "hex"),
    };
  }
}
