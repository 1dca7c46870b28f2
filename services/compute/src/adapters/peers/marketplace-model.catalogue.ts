import { type Address, address, type ContentId } from "@aios/kernel/identifiers";
import { type MarketplaceServiceService, ModelState } from "@aios/proto/aios/marketplace/v1/marketplace";
import type { GrpcClient } from "@aios/service-kit/grpc-client";
import { DIGIT_NETWORK_WORK_UNITS, IMAGE_SHAPE } from "../../domain/job-request.js";
import type { ModelCatalogue, PublishedModel } from "../../domain/ports.js";

export class MarketplaceModelCatalogue implements ModelCatalogue {
  readonly #marketplace: GrpcClient<typeof MarketplaceServiceService>;

  constructor(marketplace: GrpcClient<typeof MarketplaceServiceService>) {
    this.#marketplace = marketplace;
  }

  async model(modelId: number): Promise<PublishedModel> {
    const { model } = await this.#marketplace.getModel({ modelId });
    return {
      modelId,
      published: model?.state === ModelState.MODEL_STATE_PUBLISHED,
      owner: address(model?.owner ?? "", "owner"),
      contentCid: (model?.contentCid ?? "") as ContentId,
      modelCommitment: model?.modelCommitment ?? new Uint8Array(0),
      // Models from before this was kept are the digit network, 784–128–10.
      inputShape: model === undefined || model.inputShape.length === 0 ? IMAGE_SHAPE : model.inputShape,
      workUnits: model?.multiplications || DIGIT_NETWORK_WORK_UNITS,
      verifyingKeyHash: model?.verifyingKeyHash ?? new Uint8Array(0),
      honkKeyHash: model?.honkKeyHash ?? new Uint8Array(0),
      honkRefusal: model?.honkRefusal,
      usageFeeWei: model?.usageFeeWei || "0",
      royaltyBps: model?.royaltyBps ?? 0,
      keyTrust: model?.keyTrust ?? "",
    };
  }

  async licence(modelId: number, account: Address): Promise<{ licenceId: number; licencePriceWei: string }> {
    const { licenceId, licencePriceWei } = await this.#marketplace.findLicence({ modelId, account });
    return { licenceId, licencePriceWei };
  }
}
