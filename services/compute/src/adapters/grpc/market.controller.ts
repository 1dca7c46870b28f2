import { address, jobId } from "@aios/kernel/identifiers";
import type {
  CheckLeaseRequest,
  CheckLeaseResponse,
  ExplainPlacementRequest,
  ExplainPlacementResponse,
  ListProvidersResponse,
} from "@aios/proto/aios/compute/v1/compute";
import { AllowCallers } from "@aios/service-kit/allow-callers";
import { Controller, Inject } from "@nestjs/common";
import { GrpcMethod } from "@nestjs/microservices";
import { CheckLease } from "../../application/check-lease.use-case.js";
import { ExplainPlacement } from "../../application/explain-placement.use-case.js";
import { ProviderMarket } from "../../domain/provider-market.js";
import { signedInAccount, toPlacementMessage, toProviderMessage } from "./job-mapping.js";

@Controller()
export class MarketController {
  constructor(
    @Inject(ExplainPlacement) private readonly explanations: ExplainPlacement,
    @Inject(CheckLease) private readonly leases: CheckLease,
    @Inject(ProviderMarket) private readonly market: ProviderMarket,
  ) {}

  @AllowCallers("gateway")
  @GrpcMethod("ComputeService", "ExplainPlacement")
  async explainPlacement(request: ExplainPlacementRequest): Promise<ExplainPlacementResponse> {
    const { account } = signedInAccount();
    const { placements, advice } = await this.explanations.execute(
      account,
      jobId(request.jobId),
      request.provider === "" ? undefined : address(request.provider, "provider"),
    );
    return { placements: placements.map(toPlacementMessage), advice: [...advice] };
  }

  @AllowCallers("gateway", "scoring")
  @GrpcMethod("ComputeService", "ListProviders")
  async listProviders(): Promise<ListProvidersResponse> {
    return {
      providers: this.market
        .list()
        .map(({ provider, online, runningJobs }) => toProviderMessage(provider, online, runningJobs)),
    };
  }

  @AllowCallers("storage")
  @GrpcMethod("ComputeService", "CheckLease")
  async checkLease(request: CheckLeaseRequest): Promise<CheckLeaseResponse> {
    const standing = await this.leases.execute(
      jobId(request.jobId),
      request.fencingToken,
      address(request.provider),
    );
    return { ...standing, contentCids: [...standing.contentCids] };
  }
}
