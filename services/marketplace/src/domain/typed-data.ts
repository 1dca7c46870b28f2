import {
  licencePurchaseTypedData,
  modelPublicationTypedData,
  permitTypedData,
} from "@aios/core-settlement/order-digest";
import { tokenDomain } from "@aios/core-settlement/permit";
import { signerOf, type TypedData } from "@aios/core-settlement/signed-data";
import { signingDomain } from "@aios/core-settlement/typed-data";
import type { Address } from "@aios/kernel/identifiers";
import { getAddress, hexlify } from "ethers";
import { type Model, type Publication, type Purchase, type VerifyingKey, ZERO_WORD } from "./model.js";

/** The contracts that verify what is signed here. */
export interface SigningContext {
  readonly chainId: bigint;
  readonly modelLicence: Address;
  readonly wrappedAios: Address;
}

/** One EIP-712 request: what `eth_signTypedData_v4` takes. */
export interface NamedTypedData extends TypedData {
  readonly name: "model-publication" | "licence-purchase" | "permit";
}

/** The owner's offer, as `ModelLicence.publishModel` verifies it. */
export function modelPublication(
  context: SigningContext,
  model: Model,
  key: VerifyingKey,
  publication: Publication,
): NamedTypedData {
  return {
    name: "model-publication",
    ...modelPublicationTypedData(signingDomain(context.chainId, getAddress(context.modelLicence)), {
      owner: getAddress(model.owner),
      modelCommitment: model.modelCommitment,
      verifyingKeyHash: key.hash,
      honkKeyHash: model.honkKey?.hash ?? ZERO_WORD,
      ceremonyTranscriptHash: key.ceremony?.transcriptHash ?? ZERO_WORD,
      contentCid: model.contentCid,
      licencePriceWei: model.licencePriceWei,
      usageFeeWei: model.usageFeeWei,
      royaltyBps: model.royaltyBps,
      nonce: publication.nonce,
      deadline: publication.deadlineSeconds,
    }),
  };
}

/** The buyer's order, as `ModelLicence.purchaseLicence` verifies it. */
export function licencePurchase(context: SigningContext, purchase: Purchase): NamedTypedData {
  return {
    name: "licence-purchase",
    ...licencePurchaseTypedData(signingDomain(context.chainId, getAddress(context.modelLicence)), {
      buyer: getAddress(purchase.buyer),
      modelId: purchase.modelId,
      maxPriceWei: purchase.priceWei,
      nonce: purchase.nonce,
      deadline: purchase.deadlineSeconds,
    }),
  };
}

/** ERC-2612: the licence contract may take the price. */
export function purchasePermit(context: SigningContext, purchase: Purchase): NamedTypedData {
  return {
    name: "permit",
    ...permitTypedData(tokenDomain(context.chainId, getAddress(context.wrappedAios)), {
      owner: getAddress(purchase.buyer),
      spender: getAddress(context.modelLicence),
      value: purchase.priceWei,
      nonce: purchase.permitNonce,
      deadline: purchase.deadlineSeconds,
    }),
  };
}

/** True when `signature` is `account`'s over the data. Accounts with code (ERC-1271) are not looked at here. */
export function isSignedBy(account: Address, data: TypedData, signature: Uint8Array): boolean {
  return signerOf(data, hexlify(signature)) === account;
}
