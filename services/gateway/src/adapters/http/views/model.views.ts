import {
  type Capability,
  CapabilityState,
  type Model,
  ModelState,
  type Purchase,
} from "@aios/proto/aios/marketplace/v1/marketplace";
import type { z } from "zod";
import type { capabilityView, modelView, purchaseView } from "../schemas/model.schemas.js";
import { missing } from "./job.views.js";
import {
  countOrNull,
  errorOrNull,
  hex,
  hexOrNull,
  jsonOrNull,
  named,
  progressOrNull,
  textOrNull,
} from "./scalar.views.js";

const STATES = {
  [ModelState.MODEL_STATE_DRAFT]: "draft",
  [ModelState.MODEL_STATE_SETTING_UP_KEYS]: "setting-up-keys",
  [ModelState.MODEL_STATE_READY]: "ready",
  [ModelState.MODEL_STATE_PUBLISHING]: "publishing",
  [ModelState.MODEL_STATE_PUBLISHED]: "published",
  [ModelState.MODEL_STATE_FAILED]: "failed",
} as const;

export function modelViewOf(model: Model | undefined): z.infer<typeof modelView> {
  if (model === undefined) throw missing("model");
  return {
    draftId: model.draftId,
    modelId: countOrNull(model.modelId),
    state: named(STATES, model.state),
    owner: model.owner,
    name: model.name,
    description: model.description,
    contentCid: model.contentCid,
    modelCommitment: hex(model.modelCommitment),
    verifyingKeyHash: hexOrNull(model.verifyingKeyHash),
    verifyingKeyCid: textOrNull(model.verifyingKeyCid),
    keyTrust: textOrNull(model.keyTrust),
    ceremonyTranscriptHash: hexOrNull(model.ceremonyTranscriptHash),
    ceremonyTranscriptCid: textOrNull(model.ceremonyTranscriptCid),
    inputShape: model.inputShape.length === 0 ? null : model.inputShape,
    multiplications: countOrNull(model.multiplications),
    honkKeyHash: hexOrNull(model.honkKeyHash),
    honkKeyCid: textOrNull(model.honkKeyCid),
    honkKeyTrust: textOrNull(model.honkKeyTrust),
    honkRefusal: errorOrNull(model.honkRefusal),
    licencePriceWei: model.licencePriceWei,
    royaltyBps: model.royaltyBps,
    usageFeeWei: model.usageFeeWei,
    report: jsonOrNull(model.reportJson),
    publicationTransactionHash: textOrNull(model.publicationTransactionHash),
    createdAtMs: model.createdAtMs,
    progress: progressOrNull(model.progress),
    error: errorOrNull(model.error),
  };
}

const CAPABILITY_STATES = {
  [CapabilityState.CAPABILITY_STATE_WAITING_FOR_DRAW]: "waiting-for-draw",
  [CapabilityState.CAPABILITY_STATE_GIVEN_UP]: "given-up",
  [CapabilityState.CAPABILITY_STATE_OPEN]: "open",
  [CapabilityState.CAPABILITY_STATE_PROVEN]: "proven",
  [CapabilityState.CAPABILITY_STATE_NOT_REACHED]: "not-reached",
} as const;

export function capabilityViewOf({ state, ...capability }: Capability): z.infer<typeof capabilityView> {
  return { ...capability, state: named(CAPABILITY_STATES, state) };
}

type PurchaseState = z.infer<typeof purchaseView>["state"];
const PURCHASE_STATES: readonly PurchaseState[] = ["prepared", "submitted", "owned", "failed"];

export function purchaseViewOf(purchase: Purchase | undefined): z.infer<typeof purchaseView> {
  if (purchase === undefined) throw missing("purchase");
  const state = PURCHASE_STATES.find((known) => known === purchase.state);
  if (state === undefined) throw missing("state of the purchase");
  return {
    purchaseId: purchase.purchaseId,
    modelId: purchase.modelId,
    buyer: purchase.buyer,
    priceWei: purchase.priceWei,
    state,
    licenceId: countOrNull(purchase.licenceId),
    transactionHash: textOrNull(purchase.transactionHash),
    error: errorOrNull(purchase.error),
  };
}
