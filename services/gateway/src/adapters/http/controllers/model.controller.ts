import { Body, Controller, Get, Inject, Param, Post, Put, Query, Req } from "@nestjs/common";
import { z } from "zod";
import { MARKETPLACE, type MarketplacePeer } from "../../../application/peers.js";
import { changing, type GatewayCall, reading } from "../pipeline/gateway-request.js";
import { Operation } from "../pipeline/operation.js";
import { PreparesSignatures, TakesSignatures } from "../pipeline/signing-operations.js";
import { pageQuery, signaturesBody, signingRequests } from "../schemas/common.schemas.js";
import {
  capabilitiesView,
  createModelBody,
  modelsView,
  modelView,
  preparedPurchaseView,
  purchaseView,
} from "../schemas/model.schemas.js";
import { capabilityViewOf, modelViewOf, purchaseViewOf } from "../views/model.views.js";
import { bytesOf, signatureMessages, signingRequestView, textOrNull } from "../views/scalar.views.js";

const uuid = z.string().regex(/^[0-9a-fA-F-]{36}$/, "a UUID");
const modelNumber = z.string().regex(/^[1-9][0-9]{0,14}$/, "a model's number");
const anyModelParams = z.object({ id: z.union([modelNumber, uuid]) });
const draftParams = z.object({ id: uuid });
const modelParams = z.object({ id: modelNumber });
const purchaseParams = z.object({
  purchaseId: z.string().regex(/^[0-9A-Za-z:_-]{1,128}$/, "a purchase's id"),
});

@Controller("v1")
export class ModelController {
  constructor(@Inject(MARKETPLACE) private readonly marketplace: MarketplacePeer) {}

  @Post("models")
  @Operation({
    id: "createModel",
    summary: "Register a model draft; its keys are set up in the background",
    tag: "models",
    access: "account",
    repetition: "idempotency-key",
    body: createModelBody,
    answer: modelView,
    status: 202,
    problems: [404, 409],
  })
  async create(@Body() body: z.infer<typeof createModelBody>): Promise<z.infer<typeof modelView>> {
    const answer = await this.marketplace.createModel(
      {
        name: body.name,
        description: body.description,
        contentCid: body.contentCid,
        modelCommitment: Buffer.from(bytesOf(body.modelCommitment)),
        licencePriceWei: body.licencePriceWei,
        royaltyBps: body.royaltyBps,
        usageFeeWei: body.usageFeeWei,
        reportJson: JSON.stringify(body.report ?? null),
        ceremony: body.ceremony,
        proofSystems: body.proofSystems ?? [],
      },
      changing(),
    );
    return modelViewOf(answer.model);
  }

  @Get("models")
  @Operation({
    id: "listModels",
    summary: "Published models, newest first",
    tag: "models",
    access: "public",
    query: pageQuery,
    answer: modelsView,
  })
  async list(
    @Req() request: GatewayCall,
    @Query() query: z.infer<typeof pageQuery>,
  ): Promise<z.infer<typeof modelsView>> {
    const page = await this.marketplace.listModels(
      { pageSize: query.pageSize, pageToken: query.cursor ?? "" },
      reading(request),
    );
    return { items: page.models.map(modelViewOf), nextCursor: textOrNull(page.nextPageToken) };
  }

  @Get("models/:id")
  @Operation({
    id: "getModel",
    summary: "A model by its number, or a draft by its id",
    tag: "models",
    access: "public",
    params: anyModelParams,
    answer: modelView,
    problems: [404],
  })
  async get(@Req() request: GatewayCall, @Param("id") id: string): Promise<z.infer<typeof modelView>> {
    const wanted = modelNumber.safeParse(id).success
      ? { modelId: Number(id), draftId: undefined }
      : { modelId: undefined, draftId: id };
    return modelViewOf((await this.marketplace.getModel(wanted, reading(request))).model);
  }

  @Get("models/:id/capabilities")
  @Operation({
    id: "listCapabilities",
    summary: "What was proven on chain of what the model can do, newest claim first",
    tag: "models",
    access: "public",
    params: modelParams,
    answer: capabilitiesView,
    problems: [404],
  })
  async capabilities(
    @Req() request: GatewayCall,
    @Param("id") id: string,
  ): Promise<z.infer<typeof capabilitiesView>> {
    const found = await this.marketplace.listCapabilities({ modelId: Number(id) }, reading(request));
    return { items: found.capabilities.map(capabilityViewOf) };
  }

  @Post("models/:id/publication")
  @PreparesSignatures({
    id: "preparePublication",
    summary: "Typed data that the owner signs to publish a ready draft",
    tag: "models",
    params: draftParams,
    problems: [403, 404, 409],
  })
  async preparePublication(@Param("id") draftId: string): Promise<z.infer<typeof signingRequests>> {
    const { toSign } = await this.marketplace.prepareModelPublication({ draftId }, changing());
    return { toSign: toSign.map(signingRequestView) };
  }

  @Put("models/:id/publication")
  @TakesSignatures({
    id: "publishModel",
    summary: "Hand in the owner's signature; the relayer publishes",
    tag: "models",
    params: draftParams,
    answer: modelView,
    problems: [403, 404, 409],
  })
  async publish(
    @Param("id") draftId: string,
    @Body() body: z.infer<typeof signaturesBody>,
  ): Promise<z.infer<typeof modelView>> {
    const signatures = signatureMessages(body.signatures);
    return modelViewOf((await this.marketplace.publishModel({ draftId, signatures }, changing())).model);
  }

  @Post("models/:id/purchases")
  @PreparesSignatures({
    id: "preparePurchase",
    summary: "Typed data (purchase and permit) that the buyer of a licence signs",
    tag: "models",
    params: modelParams,
    answer: preparedPurchaseView,
    status: 201,
    problems: [404, 409],
  })
  async preparePurchase(@Param("id") id: string): Promise<z.infer<typeof preparedPurchaseView>> {
    const prepared = await this.marketplace.prepareLicencePurchase({ modelId: Number(id) }, changing());
    return {
      purchaseId: prepared.purchaseId,
      priceWei: prepared.priceWei,
      toSign: prepared.toSign.map(signingRequestView),
    };
  }

  @Put("purchases/:purchaseId")
  @TakesSignatures({
    id: "purchaseLicence",
    summary: "Hand in the buyer's signatures; the relayer buys the licence",
    tag: "models",
    params: purchaseParams,
    answer: purchaseView,
    problems: [403, 404, 409],
  })
  async purchase(
    @Param("purchaseId") purchaseId: string,
    @Body() body: z.infer<typeof signaturesBody>,
  ): Promise<z.infer<typeof purchaseView>> {
    const signatures = signatureMessages(body.signatures);
    return purchaseViewOf(
      (await this.marketplace.purchaseLicence({ purchaseId, signatures }, changing())).purchase,
    );
  }

  @Get("purchases/:purchaseId")
  @Operation({
    id: "getPurchase",
    summary: "Where a licence purchase stands",
    tag: "models",
    access: "account",
    params: purchaseParams,
    answer: purchaseView,
    problems: [403, 404],
  })
  async getPurchase(
    @Req() request: GatewayCall,
    @Param("purchaseId") purchaseId: string,
  ): Promise<z.infer<typeof purchaseView>> {
    return purchaseViewOf((await this.marketplace.getPurchase({ purchaseId }, reading(request))).purchase);
  }
}
