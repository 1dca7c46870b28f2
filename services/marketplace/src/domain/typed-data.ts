import {
  LICENCE_PURCHASE_TYPES,
  MODEL_PUBLICATION_TYPES,
  PERMIT_TYPES,
  signingDomain,
  type TypedDataTypes,
} from "@aios/core-settlement/typed-data";
import type { Address } from "@aios/kernel/identifiers";
import { getAddress, hexlify, type TypedDataDomain, TypedDataEncoder, verifyTypedData } from "ethers";
import type { Model, Publication, Purchase, VerifyingKey } from "./model.js";

/** The contracts that verify what is signed here. */
export interface SigningContext {
  readonly chainId: bigint;
  readonly modelLicence: Address;
  readonly wrappedAios: Address;
}

/** One EIP-712 request: what `eth_signTypedData_v4` takes. */
export interface TypedData {
  readonly name: "model-publication" | "licence-purchase" | "permit";
  readonly domain: TypedDataDomain;
  readonly types: TypedDataTypes;
  readonly message: Readonly<Record<string, unknown>>;
}

/** The owner's offer, as `ModelLicence.publishModel` verifies it. */
export function modelPublication(
  context: SigningContext,
  model: Model,
  key: VerifyingKey,
  publication: Publication,
): TypedData {
  return {
    name: "model-publication",
    domain: signingDomain(context.chainId, getAddress(context.modelLicence)),
    types: MODEL_PUBLICATION_TYPES,
    message: {
      owner: getAddress(model.owner),
      modelCommitment: model.modelCommitment,
      verifyingKeyHash: key.hash,
      contentCid: model.contentCid,
      licencePriceWei: model.licencePriceWei,
      usageFeeWei: model.usageFeeWei,
      royaltyBps: model.royaltyBps,
      nonce: publication.nonce,
      deadline: publication.deadlineSeconds,
    },
  };
}

/** The buyer's order, as `ModelLicence.purchaseLicence` verifies it. */
export function licencePurchase(context: SigningContext, purchase: Purchase): TypedData {
  return {
    name: "licence-purchase",
    domain: signingDomain(context.chainId, getAddress(context.modelLicence)),
    types: LICENCE_PURCHASE_TYPES,
    message: {
      buyer: getAddress(purchase.buyer),
      modelId: purchase.modelId,
      maxPriceWei: purchase.priceWei,
      nonce: purchase.nonce,
      deadline: purchase.deadlineSeconds,
    },
  };
}

/** ERC-2612: the licence contract may take the price. */
export function purchasePermit(context: SigningContext, purchase: Purchase): TypedData {
  return {
    name: "permit",
    domain: {
      name: "Wrapped AIOS",
      version: "1",
      chainId: context.chainId,
      verifyingContract: getAddress(context.wrappedAios),
    },
    types: PERMIT_TYPES,
    message: {
      owner: getAddress(purchase.buyer),
      spender: getAddress(context.modelLicence),
      value: purchase.priceWei,
      nonce: purchase.permitNonce,
      deadline: purchase.deadlineSeconds,
    },
  };
}

/** JSON with the EIP712Domain type and integers as decimal strings. */
export function typedDataJson(data: TypedData): string {
  return JSON.stringify(TypedDataEncoder.getPayload(data.domain, data.types, data.message));
}

/** True when `signature` is `account`'s over the data. Accounts with code (ERC-1271) are not looked at here. */
export function isSignedBy(account: Address, data: TypedData, signature: Uint8Array): boolean {
  try {
    return (
      verifyTypedData(data.domain, data.types, data.message, hexlify(signature)).toLowerCase() === account
    );
  } catch {
    return false;
  }
}
