import { CodedError } from "@aios/kernel/coded-error";
import type {
  CreateModelRequest,
  CreateModelResponse,
  GetModelRequest,
  GetModelResponse,
  ListCapabilitiesRequest,
  ListCapabilitiesResponse,
  ListModelsRequest,
  ListModelsResponse,
  PrepareModelPublicationRequest,
  PrepareModelPublicationResponse,
  PublishModelRequest,
  PublishModelResponse,
} from "@aios/proto/aios/marketplace/v1/marketplace";
import { AllowCallers } from "@aios/service-kit/allow-callers";
import { currentCaller } from "@aios/service-kit/caller-context";
import { Controller, Inject } from "@nestjs/common";
import { GrpcMethod } from "@nestjs/microservices";
import { CreateModelUseCase } from "../../application/create-model.use-case.js";
import { PublishModelUseCase } from "../../application/publish-model.use-case.js";
import { notOwner } from "../../domain/errors.js";
import type { Model } from "../../domain/model.js";
import type { CapabilityReader, KeyProgress, ModelStore } from "../../domain/ports.js";
import { CAPABILITY_READER, MODEL_STORE } from "../../tokens.js";
import { actingAccount } from "./acting-account.js";
import { toCapabilityMessage, toModelMessage, toSign } from "./market.mapping.js";

const DEFAULT_PAGE_SIZE = 20;
const MAX_PAGE_SIZE = 100;
const MAX_CAPABILITIES = 20;

@Controller()
@AllowCallers("gateway")
export class ModelController {
  constructor(
    @Inject(CreateModelUseCase) private readonly create: CreateModelUseCase,
    @Inject(PublishModelUseCase) private readonly publish: PublishModelUseCase,
    @Inject(MODEL_STORE) private readonly models: ModelStore,
    @Inject(CAPABILITY_READER) private readonly capabilities: CapabilityReader,
  ) {}

  @GrpcMethod("MarketplaceService", "CreateModel")
  async createModel(request: CreateModelRequest): Promise<CreateModelResponse> {
    const { account, tenant } = actingAccount();
    const modelCommitmentHex = `0x${Buffer.from(request.modelCommitment).toString("hex")}`;
    const model = await this.create.execute(
      tenant,
      account,
      { ...request, modelCommitmentHex },
      { ceremony: request.ceremony, proofSystems: request.proofSystems },
    );
    return { model: toModelMessage(model) };
  }

  @AllowCallers("gateway", "compute", "zk-prover", "storage")
  @GrpcMethod("MarketplaceService", "GetModel")
  async getModel(request: GetModelRequest): Promise<GetModelResponse> {
    if (request.draftId === undefined) {
      return { model: toModelMessage(await this.models.byModelId(BigInt(request.modelId ?? 0))) };
    }
    const model = await this.models.byDraft(request.draftId);
    if (model.state !== "published" && model.owner !== currentCaller().account) throw notOwner("model");
    return { model: toModelMessage(model, await this.#keyProgress(model)) };
  }

  @GrpcMethod("MarketplaceService", "ListModels")
  async listModels(request: ListModelsRequest): Promise<ListModelsResponse> {
    const size = Math.min(request.pageSize === 0 ? DEFAULT_PAGE_SIZE : request.pageSize, MAX_PAGE_SIZE);
    const models = await this.models.published(positionOf(request.pageToken), size + 1);
    const page = models.slice(0, size);
    const last = page.at(-1);
    const more = models.length > size && last !== undefined;
    return {
      models: page.map((model) => toModelMessage(model)),
      nextPageToken: more ? Buffer.from(last.sequence.toString()).toString("base64url") : "",
    };
  }

  @GrpcMethod("MarketplaceService", "ListCapabilities")
  async listCapabilities(request: ListCapabilitiesRequest): Promise<ListCapabilitiesResponse> {
    const { modelId } = await this.models.byModelId(BigInt(request.modelId));
    const found = await this.capabilities.capabilitiesOf(modelId ?? 0n, MAX_CAPABILITIES);
    return { capabilities: found.map(toCapabilityMessage) };
  }

  @GrpcMethod("MarketplaceService", "PrepareModelPublication")
  async prepareModelPublication(
    request: PrepareModelPublicationRequest,
  ): Promise<PrepareModelPublicationResponse> {
    const data = await this.publish.prepare(actingAccount().account, request.draftId);
    return { toSign: [toSign(data)] };
  }

  @GrpcMethod("MarketplaceService", "PublishModel")
  async publishModel(request: PublishModelRequest): Promise<PublishModelResponse> {
    const model = await this.publish.publish(actingAccount().account, request.draftId, request.signatures);
    return { model: toModelMessage(model) };
  }

  /** Progress is a courtesy: without the prover the model is shown without it. */
  async #keyProgress(model: Model): Promise<KeyProgress | undefined> {
    if (model.state !== "setting-up-keys") return undefined;
    return this.create.checkKeys(model).catch(() => undefined);
  }
}

function positionOf(pageToken: string): bigint | undefined {
  if (pageToken === "") return undefined;
  const text = Buffer.from(pageToken, "base64url").toString("latin1");
  if (/^[1-9][0-9]{0,17}$/.test(text)) return BigInt(text);
  throw new CodedError({
    code: "invalid-page-token",
    kind: "invalid",
    message: "pageToken is not one that a list gave out.",
    field: "pageToken",
  });
}
