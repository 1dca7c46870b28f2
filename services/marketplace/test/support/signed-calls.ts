import { type Address, address, bytes32, type TenantId, tenantOfAccount } from "@aios/kernel/identifiers";
import { getBytes, type Wallet } from "ethers";
import { encodePublication, encodePurchase } from "../../src/domain/call-data.js";
import type { Model, Purchase } from "../../src/domain/model.js";
import {
  licencePurchase,
  modelPublication,
  type NamedTypedData,
  purchasePermit,
  type SigningContext,
} from "../../src/domain/typed-data.js";

export const LICENCE_PRICE_WEI = 25n * 10n ** 18n;
const KEY = {
  inputShape: [1, 28, 28],
  multiplications: 101_632,
  hash: bytes32(`0x${"0e".repeat(32)}`),
  cid: "bafkreikey",
  trust: "of a test",
  ceremony: undefined,
};

async function sign(wallet: Wallet, { domain, types, message }: NamedTypedData): Promise<Uint8Array> {
  return getBytes(await wallet.signTypedData(domain, types, { ...message }));
}

function deadline(): bigint {
  return BigInt(Math.floor(Date.now() / 1_000) + 3_600);
}

function accountOf(wallet: Wallet): { readonly account: Address; readonly tenant: TenantId } {
  const account = address(wallet.address);
  return { account, tenant: tenantOfAccount(account) };
}

/** Call data that publishes a model as its owner signed it. */
export async function signedPublication(context: SigningContext, owner: Wallet): Promise<Uint8Array> {
  const { account, tenant } = accountOf(owner);
  const model: Model = {
    draftId: "d",
    sequence: 1n,
    tenant,
    owner: account,
    state: "ready",
    name: "digits",
    description: "",
    contentCid: "bafkreimodel",
    modelCommitment: bytes32(`0x${"0d".repeat(32)}`),
    licencePriceWei: LICENCE_PRICE_WEI,
    royaltyBps: 700,
    usageFeeWei: 10n ** 17n,
    reportJson: "{}",
    ceremony: undefined,
    verifyingKey: KEY,
    wantsHonkKey: false,
    honkKey: undefined,
    honkRefusal: undefined,
    publication: undefined,
    modelId: undefined,
    failure: undefined,
    transactionHash: "",
    createdAtMs: 0,
  };
  const publication = { nonce: 1n, deadlineSeconds: deadline(), signature: undefined };
  const data = modelPublication(context, model, KEY, publication);
  return encodePublication(data, await sign(owner, data));
}

/** Call data that buys the first licence of the model, with the permit that pays for it. */
export async function signedPurchase(
  context: SigningContext,
  buyer: Wallet,
  modelId: bigint,
): Promise<Uint8Array> {
  const { account, tenant } = accountOf(buyer);
  const purchase: Purchase = {
    purchaseId: "p",
    tenant,
    buyer: account,
    modelId,
    state: "prepared",
    priceWei: LICENCE_PRICE_WEI,
    nonce: 2n,
    deadlineSeconds: deadline(),
    permitNonce: 0n,
    purchaseSignature: undefined,
    permitSignature: undefined,
    licenceId: undefined,
    transactionHash: "",
    failure: undefined,
  };
  const [order, permit] = [licencePurchase(context, purchase), purchasePermit(context, purchase)];
  return encodePurchase(order, await sign(buyer, order), permit, await sign(buyer, permit));
}
