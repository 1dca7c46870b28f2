import type { Capability, CapabilityState } from "@aios/core-capability/capability";
import { typedDataJson } from "@aios/core-settlement/signed-data";
import {
  type Capability as CapabilityMessage,
  CapabilityState as CapabilityStateMessage,
  type Model as ModelMessage,
  type Purchase as PurchaseMessage,
  ModelState as StateMessage,
} from "@aios/proto/aios/marketplace/v1/marketplace";
import type { Failure, Model, ModelState, Purchase } from "../../domain/model.js";
import type { KeyProgress } from "../../domain/ports.js";
import type { NamedTypedData } from "../../domain/typed-data.js";

const STATES: Readonly<Record<ModelState, StateMessage>> = {
  draft: StateMessage.MODEL_STATE_DRAFT,
  "setting-up-keys": StateMessage.MODEL_STATE_SETTING_UP_KEYS,
  ready: StateMessage.MODEL_STATE_READY,
  publishing: StateMessage.MODEL_STATE_PUBLISHING,
  published: StateMessage.MODEL_STATE_PUBLISHED,
  failed: StateMessage.MODEL_STATE_FAILED,
};

export function toModelMessage(model: Model, progress?: KeyProgress): ModelMessage {
  return {
    draftId: model.draftId,
    modelId: Number(model.modelId ?? 0n),
    state: STATES[model.state],
    owner: model.owner,
    name: model.name,
    description: model.description,
    contentCid: model.contentCid,
    modelCommitment: Buffer.from(model.modelCommitment.slice(2), "hex"),
    verifyingKeyHash: Buffer.from((model.verifyingKey?.hash ?? "0x").slice(2), "hex"),
    verifyingKeyCid: model.verifyingKey?.cid ?? "",
    keyTrust: model.verifyingKey?.trust ?? "",
    inputShape: [...(model.verifyingKey?.inputShape ?? [])],
    multiplications: model.verifyingKey?.multiplications ?? 0,
    honkKeyHash: Buffer.from((model.honkKey?.hash ?? "0x").slice(2), "hex"),
    honkKeyCid: model.honkKey?.cid ?? "",
    honkKeyTrust: model.honkKey?.trust ?? "",
    honkRefusal: toErrorInfo(model.honkRefusal),
    licencePriceWei: model.licencePriceWei.toString(),
    royaltyBps: model.royaltyBps,
    usageFeeWei: model.usageFeeWei.toString(),
    reportJson: model.reportJson,
    publicationTransactionHash: model.transactionHash,
    createdAtMs: model.createdAtMs,
    progress:
      progress?.kind === "setting-up"
        ? { stage: progress.stage, percent: progress.percent, message: progress.message, figures: {} }
        : undefined,
    error: toErrorInfo(model.failure),
    ceremonyTranscriptHash: Buffer.from(
      (model.verifyingKey?.ceremony?.transcriptHash ?? "0x").slice(2),
      "hex",
    ),
    ceremonyTranscriptCid: model.verifyingKey?.ceremony?.transcriptCid ?? "",
  };
}

const CAPABILITY_STATES: Readonly<Record<CapabilityState, CapabilityStateMessage>> = {
  "waiting-for-draw": CapabilityStateMessage.CAPABILITY_STATE_WAITING_FOR_DRAW,
  "given-up": CapabilityStateMessage.CAPABILITY_STATE_GIVEN_UP,
  open: CapabilityStateMessage.CAPABILITY_STATE_OPEN,
  proven: CapabilityStateMessage.CAPABILITY_STATE_PROVEN,
  "not-reached": CapabilityStateMessage.CAPABILITY_STATE_NOT_REACHED,
};

export function toCapabilityMessage({ claim, ...capability }: Capability): CapabilityMessage {
  return {
    claimId: Number(claim.claimId),
    state: CAPABILITY_STATES[capability.state],
    testSetRoot: claim.testSetRoot,
    testSetSize: claim.testSetSize,
    publisher: claim.publisher,
    drawer: capability.drawer,
    drawCount: claim.drawCount,
    answered: claim.answered,
    correct: claim.correct,
    minimumCorrect: claim.minimumCorrect,
    attempt: capability.attempt,
    accuracyAtLeastBps: Math.floor(capability.accuracyAtLeast * 10_000 + 1e-6),
    says: [...capability.says],
    trusted: [...capability.trusted],
  };
}

export function toPurchaseMessage(purchase: Purchase): PurchaseMessage {
  return {
    purchaseId: purchase.purchaseId,
    modelId: Number(purchase.modelId),
    buyer: purchase.buyer,
    priceWei: purchase.priceWei.toString(),
    state: purchase.state,
    licenceId: Number(purchase.licenceId ?? 0n),
    transactionHash: purchase.transactionHash,
    error: toErrorInfo(purchase.failure),
  };
}

export function toSign(data: NamedTypedData) {
  return { name: data.name, typedDataJson: typedDataJson(data) };
}

function toErrorInfo(failure: Failure | undefined) {
  return failure === undefined ? undefined : { ...failure };
}
