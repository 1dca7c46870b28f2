import { address, bytes32, type TenantId } from "@aios/kernel/identifiers";
import type { LicenceModel, ModelDraftModel, PurchaseModel } from "../../../generated/prisma/models.js";
import type {
  Failure,
  KeyCeremony,
  Licence,
  Model,
  ModelState,
  Purchase,
  PurchaseState,
} from "../../domain/model.js";

export function toModel(row: ModelDraftModel): Model {
  const { publicationNonce, publicationDeadline, publicationSignature } = row;
  return {
    draftId: row.draftId,
    sequence: row.sequence,
    tenant: row.tenant as TenantId,
    owner: address(row.owner),
    name: row.name,
    description: row.description,
    contentCid: row.contentCid,
    modelCommitment: bytes32(row.modelCommitment),
    licencePriceWei: BigInt(row.licencePriceWei),
    royaltyBps: row.royaltyBps,
    usageFeeWei: BigInt(row.usageFeeWei),
    reportJson: row.reportJson,
    state: row.state as ModelState,
    verifyingKey:
      row.verifyingKeyHash === null
        ? undefined
        : {
            inputShape: row.inputShape,
            multiplications: Number(row.multiplications),
            hash: bytes32(row.verifyingKeyHash),
            cid: row.verifyingKeyCid ?? "",
            trust: row.keyTrust ?? "",
            ceremony:
              row.ceremonyTranscriptHash === null
                ? undefined
                : {
                    transcriptHash: bytes32(row.ceremonyTranscriptHash),
                    transcriptCid: row.ceremonyTranscriptCid ?? "",
                  },
          },
    wantsHonkKey: row.wantsHonkKey,
    honkKey:
      row.honkKeyHash === null
        ? undefined
        : { hash: bytes32(row.honkKeyHash), cid: row.honkKeyCid ?? "", trust: row.honkKeyTrust ?? "" },
    honkRefusal: toFailure({
      errorCode: row.honkErrorCode,
      errorMessage: row.honkErrorMessage,
      errorDetails: row.honkErrorDetails,
    }),
    ceremony: toCeremony(row),
    publication:
      publicationNonce === null || publicationDeadline === null
        ? undefined
        : {
            nonce: BigInt(publicationNonce),
            deadlineSeconds: publicationDeadline,
            signature: publicationSignature ?? undefined,
          },
    modelId: row.modelId ?? undefined,
    transactionHash: row.transactionHash ?? "",
    failure: toFailure(row),
    createdAtMs: Number(row.createdAtMs),
  };
}

export function toCeremony(row: ModelDraftModel): KeyCeremony | undefined {
  const { ceremonyTranscriptCid, ceremonyKeyCid, ceremonyPowersCid } = row;
  if (ceremonyTranscriptCid === null || ceremonyKeyCid === null || ceremonyPowersCid === null)
    return undefined;
  return {
    transcriptCid: ceremonyTranscriptCid,
    provingKeyCid: ceremonyKeyCid,
    powersCid: ceremonyPowersCid,
  };
}

export function toPurchase(row: PurchaseModel): Purchase {
  return {
    purchaseId: row.purchaseId,
    tenant: row.tenant as TenantId,
    buyer: address(row.buyer),
    modelId: row.modelId,
    priceWei: BigInt(row.priceWei),
    state: row.state as PurchaseState,
    nonce: BigInt(row.nonce),
    deadlineSeconds: row.deadline,
    permitNonce: BigInt(row.permitNonce),
    purchaseSignature: row.purchaseSignature ?? undefined,
    permitSignature: row.permitSignature ?? undefined,
    licenceId: row.licenceId ?? undefined,
    transactionHash: row.transactionHash ?? "",
    failure: toFailure(row),
  };
}

export function toLicence(row: LicenceModel): Licence {
  return { licenceId: row.licenceId, modelId: row.modelId, owner: address(row.owner) };
}

interface FailureColumns {
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
  readonly errorDetails: string | null;
}

function toFailure(row: FailureColumns): Failure | undefined {
  if (row.errorCode === null) return undefined;
  return { code: row.errorCode, message: row.errorMessage ?? "", detailsJson: row.errorDetails ?? "{}" };
}

export function honkFailureColumns(failure: Failure | undefined) {
  return {
    honkErrorCode: failure?.code ?? null,
    honkErrorMessage: failure?.message ?? null,
    honkErrorDetails: failure?.detailsJson ?? null,
  };
}

export function failureColumns(failure: Failure | undefined): FailureColumns {
  return {
    errorCode: failure?.code ?? null,
    errorMessage: failure?.message ?? null,
    errorDetails: failure?.detailsJson ?? null,
  };
}
