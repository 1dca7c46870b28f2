import { address } from "@aios/kernel/identifiers";
import type {
  FindLicenceRequest,
  FindLicenceResponse,
  GetPurchaseRequest,
  GetPurchaseResponse,
  PrepareLicencePurchaseRequest,
  PrepareLicencePurchaseResponse,
  PurchaseLicenceRequest,
  PurchaseLicenceResponse,
} from "@aios/proto/aios/marketplace/v1/marketplace";
import { AllowCallers } from "@aios/service-kit/allow-callers";
import { Controller, Inject } from "@nestjs/common";
import { GrpcMethod } from "@nestjs/microservices";
import { FindLicenceUseCase } from "../../application/find-licence.use-case.js";
import { PurchaseLicenceUseCase } from "../../application/purchase-licence.use-case.js";
import type { ModelStore } from "../../domain/ports.js";
import { MODEL_STORE } from "../../tokens.js";
import { actingAccount } from "./acting-account.js";
import { toPurchaseMessage, toSign } from "./market.mapping.js";

@Controller()
@AllowCallers("gateway")
export class PurchaseController {
  constructor(
    @Inject(PurchaseLicenceUseCase) private readonly purchase: PurchaseLicenceUseCase,
    @Inject(FindLicenceUseCase) private readonly licences: FindLicenceUseCase,
    @Inject(MODEL_STORE) private readonly models: ModelStore,
  ) {}

  @GrpcMethod("MarketplaceService", "PrepareLicencePurchase")
  async prepareLicencePurchase(
    request: PrepareLicencePurchaseRequest,
  ): Promise<PrepareLicencePurchaseResponse> {
    const { account, tenant } = actingAccount();
    const prepared = await this.purchase.prepare(tenant, account, BigInt(request.modelId));
    return {
      purchaseId: prepared.purchase.purchaseId,
      priceWei: prepared.purchase.priceWei.toString(),
      toSign: prepared.toSign.map(toSign),
    };
  }

  @GrpcMethod("MarketplaceService", "PurchaseLicence")
  async purchaseLicence(request: PurchaseLicenceRequest): Promise<PurchaseLicenceResponse> {
    const purchase = await this.purchase.submit(
      actingAccount().account,
      request.purchaseId,
      request.signatures,
    );
    return { purchase: toPurchaseMessage(purchase) };
  }

  @GrpcMethod("MarketplaceService", "GetPurchase")
  async getPurchase(request: GetPurchaseRequest): Promise<GetPurchaseResponse> {
    const purchase = await this.purchase.get(actingAccount().account, request.purchaseId);
    return { purchase: toPurchaseMessage(purchase) };
  }

  @AllowCallers("gateway", "compute")
  @GrpcMethod("MarketplaceService", "FindLicence")
  async findLicence(request: FindLicenceRequest): Promise<FindLicenceResponse> {
    const model = await this.models.byModelId(BigInt(request.modelId));
    const licenceId = await this.licences.find(BigInt(request.modelId), address(request.account, "account"));
    return { licenceId: Number(licenceId ?? 0n), licencePriceWei: model.licencePriceWei.toString() };
  }
}
