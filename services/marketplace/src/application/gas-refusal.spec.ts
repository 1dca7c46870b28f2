import { CodedError } from "@aios/kernel/coded-error";
import { address, bytes32, tenantOfAccount } from "@aios/kernel/identifiers";
import { systemClock } from "@aios/service-kit/system-clock";
import { systemRng } from "@aios/service-kit/system-rng";
import { describe, expect, it } from "vitest";
import type { Failure, Model, Purchase } from "../domain/model.js";
import type { ChainReader, ChainWriter, ModelStore, PurchaseStore } from "../domain/ports.js";
import { FindLicenceUseCase } from "./find-licence.use-case.js";
import { PublishModelUseCase } from "./publish-model.use-case.js";
import { PurchaseLicenceUseCase } from "./purchase-licence.use-case.js";

const ACCOUNT = address(`0x${"a1".repeat(20)}`);
const SIGNATURE = new Uint8Array(65).fill(1);
const TENANT = tenantOfAccount(ACCOUNT);
const PURCHASE: Purchase = {
  purchaseId: "8f14e45f-ceea-467f-ab29-9a0c2c3e8f11",
  tenant: TENANT,
  buyer: ACCOUNT,
  modelId: 1n,
  priceWei: 5n,
  state: "submitted",
  nonce: 2n,
  deadlineSeconds: 3_600n,
  permitNonce: 0n,
  purchaseSignature: SIGNATURE,
  permitSignature: SIGNATURE,
  licenceId: undefined,
  transactionHash: "",
  failure: undefined,
};
const MODEL: Model = {
  draftId: "7f14e45f-ceea-467f-ab29-9a0c2c3e8f11",
  ceremony: undefined,
  wantsHonkKey: false,
  honkKey: undefined,
  honkRefusal: undefined,
  sequence: 1n,
  tenant: TENANT,
  owner: ACCOUNT,
  state: "publishing",
  name: "digits",
  description: "",
  contentCid: "bafkreiabc",
  modelCommitment: bytes32(`0x${"ab".repeat(32)}`),
  licencePriceWei: 1n,
  royaltyBps: 700,
  usageFeeWei: 1n,
  reportJson: "{}",
  verifyingKey: {
    inputShape: [],
    multiplications: 0,
    hash: bytes32(`0x${"cd".repeat(32)}`),
    cid: "bafkreikey",
    trust: "",
    ceremony: undefined,
  },
  publication: { nonce: 3n, deadlineSeconds: 3_600n, signature: SIGNATURE },
  modelId: undefined,
  transactionHash: "",
  failure: undefined,
  createdAtMs: 0,
};

/** Both steps towards an economy that answers every request with this error, and what of theirs failed. */
function refusedWith(error: CodedError) {
  const failed: (readonly [id: string, failure: Failure])[] = [];
  const refuse = () => Promise.reject(error);
  const chain = {
    signingContext: async () => ({ chainId: 7n, modelLicence: ACCOUNT, wrappedAios: ACCOUNT }),
    publishModel: refuse,
    purchaseLicence: refuse,
  } as Partial<ChainWriter> as ChainWriter;
  const models = {
    publicationFailed: async (draftId, nonce, failure) => void failed.push([`${draftId}:${nonce}`, failure]),
  } as Partial<ModelStore> as ModelStore;
  const purchases = {
    byId: async () => ({ ...PURCHASE, state: "failed" }),
    failed: async (purchaseId, failure) => void failed.push([purchaseId, failure]),
  } as Partial<PurchaseStore> as PurchaseStore;
  const reader = {} as ChainReader;
  const licences = new FindLicenceUseCase(purchases, chain, reader);
  return {
    failed,
    publish: new PublishModelUseCase(models, chain, systemClock, systemRng),
    purchase: new PurchaseLicenceUseCase(models, purchases, licences, chain, reader, systemClock, systemRng),
  };
}

describe("what is handed to the chain-write outbox", () => {
  it("has failed when the account's gas allowance is spent: it may be ordered again, and holds no batch", async () => {
    const details = { freeAtMs: 9 };
    const spent = new CodedError({
      code: "gas-allowance-spent",
      kind: "rate-limited",
      message: "m",
      details,
    });
    const { failed, publish, purchase } = refusedWith(spent);
    await expect(purchase.relay(PURCHASE)).rejects.toBe(spent);
    await expect(publish.relay(MODEL)).rejects.toBe(spent);
    const failure = { code: "gas-allowance-spent", message: "m", detailsJson: '{"freeAtMs":9}' };
    expect(failed).toEqual([
      [PURCHASE.purchaseId, failure],
      [`${MODEL.draftId}:3`, failure],
    ]);
    // A client that repeats its call is told what became of the purchase.
    await expect(purchase.submit(ACCOUNT, PURCHASE.purchaseId, [])).resolves.toMatchObject({
      state: "failed",
    });
  });

  it("stays under way after every other error: it may have arrived", async () => {
    const away = new CodedError({ code: "peer-unavailable", kind: "unavailable", message: "m" });
    const { failed, publish, purchase } = refusedWith(away);
    await expect(purchase.relay(PURCHASE)).rejects.toBe(away);
    await expect(publish.relay(MODEL)).rejects.toBe(away);
    expect(failed).toEqual([]);
  });
});
