import { address, jobId, type TenantId } from "@aios/kernel/identifiers";
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
import type { ProviderLinks, ProviderStore } from "../../domain/ports.js";
import { PROVIDER_LINKS, PROVIDER_STORE } from "../../tokens.js";
import { signedInAccount, toPlacementMessage, toProviderMessage } from "./job-mapping.js";

/** Providers are public; nobody's recent jobs are looked at. */
const NOBODY = "public" as TenantId;

@Controller()
export class MarketController {
  constructor(
    @Inject(ExplainPlacement) private readonly explanations: ExplainPlacement,
    @Inject(CheckLease) private readonly leases: CheckLease,
    @Inject(PROVIDER_STORE) private readonly providers: ProviderStore,
    @Inject(PROVIDER_LINKS) private readonly links: ProviderLinks,
  ) {}

  @AllowCallers("gateway")
  @GrpcMethod("ComputeService", "ExplainPlacement")
  async explainPlacement(request: ExplainPlacementRequest): Promise<ExplainPlacementResponse> {
    const { account } = signedInAccount();
    const { placements, advice } = await this.explanations.execute(account, jobId(request.jobId));
    return { placements: placements.map(toPlacementMessage), advice: [...advice] };
  }

  @AllowCallers("gateway", "scoring")
  @GrpcMethod("ComputeService", "ListProviders")
  async listProviders(): Promise<ListProvidersResponse> {
    const market = await this.providers.market(NOBODY);
    const online = this.links.online();
    const providers = market.providers.map((provider) =>
      toProviderMessage(provider, online.has(provider.address), market.liveLeases.get(provider.address) ?? 0),
    );
    return { providers: providers.sort((a, b) => (a.address < b.address ? -1 : 1)) };
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
