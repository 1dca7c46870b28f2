import { address, bytes32, tenantOfAccount } from "@aios/kernel/identifiers";
import { expect, it } from "vitest";
import {
  type ChainModel,
  type KeyCeremony,
  type Model,
  type ModelTerms,
  ZERO_WORD,
} from "../../src/domain/model.js";
import type { EndedKey, ModelStore, NewPurchase, PurchaseStore } from "../../src/domain/ports.js";

const NOW_MS = 1_800_000_000_000;
const OWNER = address(`0x${"a1".repeat(20)}`);
const BUYER = address(`0x${"b2".repeat(20)}`);
const FAILURE = { code: "reverted", message: "It reverted.", detailsJson: "{}" };
const CEREMONY = { transcriptCid: "bafkreisteps", provingKeyCid: "bafkreikey", powersCid: "bafkreitau" };
const NO_WISHES = { ceremony: undefined, honk: false };
const HONK_KEY = { hash: bytes32(`0x${"40".repeat(32)}`), cid: "bafkreihonk", trust: "forgeable by anybody" };
let models = 0;

function newTerms(): ModelTerms {
  models += 1;
  return {
    name: "digits",
    description: "",
    contentCid: "bafkreiabc",
    modelCommitment: bytes32(`0x${models.toString(16).padStart(64, "0")}`),
    licencePriceWei: 25n,
    royaltyBps: 700,
    usageFeeWei: 1n,
    reportJson: "{}",
  };
}

const keyOf = (index: number) => ({
  inputShape: [1, 28, 28],
  multiplications: 101_632,
  hash: bytes32(`0x${index.toString(16).padStart(64, "e")}`),
  cid: "bafkreikey",
  trust: "forgeable by whoever calls themselves developer and buyers",
  ceremony: { transcriptHash: bytes32(`0x${"ce".repeat(32)}`), transcriptCid: CEREMONY.transcriptCid },
});

function groth16(result: ReturnType<typeof keyOf> | typeof FAILURE): EndedKey {
  return { proofSystem: "groth16", result };
}

async function readyModel(store: ModelStore): Promise<Model> {
  const draft = await store.create(
    tenantOfAccount(OWNER),
    OWNER,
    newTerms(),
    { ceremony: CEREMONY, honk: false },
    NOW_MS,
  );
  await store.keysBegun(draft.draftId, NOW_MS);
  await store.keyEnded(draft.modelCommitment, groth16(keyOf(models)), NOW_MS);
  return store.preparePublication(draft.draftId, 5n, 2_000n, 1_000n, NOW_MS);
}

function onChain(model: Model, change: Partial<ChainModel> = {}): ChainModel {
  const { owner, modelCommitment, contentCid, licencePriceWei, usageFeeWei, royaltyBps } = model;
  return {
    modelId: BigInt(model.sequence) + 1_000n,
    owner,
    modelCommitment,
    verifyingKeyHash: model.verifyingKey?.hash ?? ZERO_WORD,
    honkKeyHash: model.honkKey?.hash ?? ZERO_WORD,
    ceremonyTranscriptHash: model.verifyingKey?.ceremony?.transcriptHash ?? ZERO_WORD,
    contentCid,
    licencePriceWei,
    usageFeeWei,
    royaltyBps,
    transactionHash: "0xhash",
    ...change,
  };
}

/** What every `ModelStore` does. `crash` ends its backend in the middle and brings it back. */
export function modelStoreConformance(open: () => ModelStore, crash: () => Promise<void>): void {
  it("keeps one draft of a model for its owner, and refuses other terms under it", async () => {
    const terms = newTerms();
    const create = (change: Partial<ModelTerms> = {}) =>
      open().create(tenantOfAccount(OWNER), OWNER, { ...terms, ...change }, NO_WISHES, NOW_MS);
    const made = await Promise.all([create(), create(), create()]);
    expect(new Set(made.map(({ draftId }) => draftId)).size).toBe(1);
    await expect(create({ royaltyBps: 900 })).rejects.toMatchObject({ code: "model-already-drafted" });
    await crash();
    expect(await open().byDraft(made[0]?.draftId ?? "")).toMatchObject({
      ...terms,
      state: "draft",
      owner: OWNER,
    });
    await expect(open().byDraft("nothing")).rejects.toMatchObject({ code: "model-not-found" });
    await expect(open().byModelId(1n)).rejects.toMatchObject({ code: "model-not-found" });
  });

  it("takes a draft through its keys, or tries again when they could not be made", async () => {
    const terms = newTerms();
    const create = (ceremony?: KeyCeremony) =>
      open().create(tenantOfAccount(OWNER), OWNER, terms, { ceremony, honk: false }, NOW_MS);
    const { draftId } = await create();
    await expect(create(CEREMONY)).rejects.toMatchObject({ code: "model-already-drafted" });
    await open().keysBegun(draftId, NOW_MS);
    expect((await open().inState("setting-up-keys", 100)).map((model) => model.draftId)).toContain(draftId);
    await open().keyEnded(terms.modelCommitment, groth16(FAILURE), NOW_MS);
    expect(await open().byDraft(draftId)).toMatchObject({ state: "failed", failure: FAILURE });
    expect(await create(CEREMONY)).toMatchObject({
      draftId,
      state: "draft",
      failure: undefined,
      ceremony: CEREMONY,
    });
    await open().keyEnded(terms.modelCommitment, groth16(keyOf(1)), NOW_MS);
    await open().keyEnded(terms.modelCommitment, groth16(FAILURE), NOW_MS);
    expect(await open().byDraft(draftId)).toMatchObject({ state: "ready", verifyingKey: keyOf(1) });
  });

  it("waits for an UltraHonk key that is wanted, and offers the model without it where it is refused", async () => {
    for (const result of [HONK_KEY, FAILURE]) {
      const terms = newTerms();
      const create = (honk: boolean) =>
        open().create(tenantOfAccount(OWNER), OWNER, terms, { ceremony: CEREMONY, honk }, NOW_MS);
      const { draftId } = await create(true);
      await expect(create(false)).rejects.toMatchObject({ code: "model-already-drafted" });
      await open().keysBegun(draftId, NOW_MS);
      await open().keyEnded(terms.modelCommitment, groth16(keyOf(3)), NOW_MS);
      expect((await open().byDraft(draftId)).state).toBe("setting-up-keys");
      await open().keyEnded(terms.modelCommitment, { proofSystem: "honk", result }, NOW_MS);
      await crash();
      expect(await open().byDraft(draftId)).toMatchObject({
        state: "ready",
        verifyingKey: keyOf(3),
        failure: undefined,
        ...(result === HONK_KEY
          ? { honkKey: HONK_KEY, honkRefusal: undefined }
          : { honkKey: undefined, honkRefusal: FAILURE }),
      });
      // Once there is no such key, the draft is what it would be without the wish.
      if (result === HONK_KEY)
        await expect(create(false)).rejects.toMatchObject({ code: "model-already-drafted" });
      else expect(await create(false)).toMatchObject({ draftId, state: "ready" });
    }
    const { draftId, modelCommitment } = await open().create(
      tenantOfAccount(OWNER),
      OWNER,
      newTerms(),
      NO_WISHES,
      NOW_MS,
    );
    await open().keyEnded(modelCommitment, { proofSystem: "honk", result: HONK_KEY }, NOW_MS);
    await open().keyEnded(modelCommitment, groth16(keyOf(4)), NOW_MS);
    expect(await open().byDraft(draftId)).toMatchObject({ state: "ready", honkKey: undefined });
  });

  it("tries a failed draft again with nothing of the keys that the try before left", async () => {
    const terms = newTerms();
    const create = (honk: boolean) =>
      open().create(tenantOfAccount(OWNER), OWNER, terms, { ceremony: CEREMONY, honk }, NOW_MS);
    const { draftId } = await create(true);
    await open().keyEnded(terms.modelCommitment, { proofSystem: "honk", result: HONK_KEY }, NOW_MS);
    await open().keyEnded(terms.modelCommitment, groth16(FAILURE), NOW_MS);
    expect(await open().byDraft(draftId)).toMatchObject({ state: "failed", honkKey: HONK_KEY });
    expect(await create(false)).toMatchObject({ state: "draft", honkKey: undefined, wantsHonkKey: false });
    await open().keyEnded(terms.modelCommitment, groth16(keyOf(5)), NOW_MS);
    expect(await open().byDraft(draftId)).toMatchObject({
      state: "ready",
      verifyingKey: keyOf(5),
      honkKey: undefined,
    });
  });

  it("gives a publication one nonce until it is over, and takes its signature once", async () => {
    const { draftId } = await readyModel(open());
    const prepare = (nonce: bigint, renewBefore: bigint) =>
      open().preparePublication(draftId, nonce, 9_000n, renewBefore, NOW_MS);
    expect((await prepare(6n, 2_000n)).publication).toMatchObject({ nonce: 5n, deadlineSeconds: 2_000n });
    expect((await prepare(7n, 2_001n)).publication).toMatchObject({ nonce: 7n, deadlineSeconds: 9_000n });
    const signed = await open().submitPublication(draftId, Uint8Array.of(1), NOW_MS);
    expect(signed.state).toBe("publishing");
    await open().submitPublication(draftId, Uint8Array.of(2), NOW_MS);
    await crash();
    expect([...((await open().byDraft(draftId)).publication?.signature ?? [])]).toEqual([1]);
    await open().publicationFailed(draftId, 6n, FAILURE, NOW_MS);
    expect((await open().byDraft(draftId)).state).toBe("publishing");
    await open().publicationFailed(draftId, 7n, FAILURE, NOW_MS);
    expect(await open().byDraft(draftId)).toMatchObject({
      state: "ready",
      publication: undefined,
      failure: FAILURE,
    });
  });

  it("lists a model that the chain has with its draft's terms, and no other", async () => {
    const [older, good, other] = [
      await readyModel(open()),
      await readyModel(open()),
      await readyModel(open()),
    ];
    await open().submitPublication(older.draftId, Uint8Array.of(1), NOW_MS);
    await open().publishedOnChain(onChain(older), NOW_MS);
    await open().submitPublication(good.draftId, Uint8Array.of(1), NOW_MS);
    const published = onChain(good);
    await open().publishedOnChain(published, NOW_MS);
    await open().publishedOnChain(onChain(good, { transactionHash: "0xagain" }), NOW_MS);
    await open().publishedOnChain(onChain(other, { licencePriceWei: 1n }), NOW_MS);
    await crash();
    expect(await open().byModelId(published.modelId)).toMatchObject({
      state: "published",
      draftId: good.draftId,
      transactionHash: "0xhash",
    });
    expect(await open().byDraft(other.draftId)).toMatchObject({
      state: "failed",
      failure: { code: "published-terms-differ" },
    });
    const listed = (await open().published(undefined, 100)).map(({ draftId }) => draftId);
    expect(listed).toContain(good.draftId);
    expect(listed).not.toContain(other.draftId);
    expect(listed.slice(0, 2)).toEqual([good.draftId, older.draftId]);
    expect((await open().published(good.sequence, 100)).map(({ draftId }) => draftId)).not.toContain(
      good.draftId,
    );
  });
}

function newPurchase(modelId: bigint, change: Partial<NewPurchase> = {}): NewPurchase {
  return {
    tenant: tenantOfAccount(BUYER),
    buyer: BUYER,
    modelId,
    priceWei: 25n,
    nonce: 5n,
    deadlineSeconds: 10_000n,
    permitNonce: 1n,
    ...change,
  };
}

/** What every `PurchaseStore` does. `crash` ends its backend in the middle and brings it back. */
export function purchaseStoreConformance(open: () => PurchaseStore, crash: () => Promise<void>): void {
  it("has one purchase of a model under way for a buyer, renewed while nothing is signed", async () => {
    const made = await Promise.all([1, 2, 3].map(() => open().prepare(newPurchase(1n), NOW_MS)));
    expect(new Set(made.map(({ purchaseId }) => purchaseId)).size).toBe(1);
    const purchaseId = made[0]?.purchaseId ?? "";
    const renewed = await open().prepare(newPurchase(1n, { permitNonce: 2n, nonce: 6n }), NOW_MS);
    expect(renewed).toMatchObject({ purchaseId, permitNonce: 2n, nonce: 6n });
    await open().submit(purchaseId, Uint8Array.of(1), Uint8Array.of(2), NOW_MS);
    await open().submit(purchaseId, Uint8Array.of(8), Uint8Array.of(9), NOW_MS);
    await crash();
    const submitted = await open().prepare(newPurchase(1n, { permitNonce: 3n, nonce: 7n }), NOW_MS);
    expect(submitted).toMatchObject({ purchaseId, state: "submitted", permitNonce: 2n, nonce: 6n });
    expect([...(submitted.purchaseSignature ?? [])]).toEqual([1]);
    expect((await open().submitted(100)).map((purchase) => purchase.purchaseId)).toContain(purchaseId);
    await expect(open().byId("nothing")).rejects.toMatchObject({ code: "purchase-not-found" });
  });

  it("ends a purchase once: owned with its licence, or failed and bought anew", async () => {
    const first = await open().prepare(newPurchase(2n), NOW_MS);
    await open().submit(first.purchaseId, Uint8Array.of(1), Uint8Array.of(2), NOW_MS);
    await open().failed(first.purchaseId, FAILURE, NOW_MS);
    expect(await open().byId(first.purchaseId)).toMatchObject({ state: "failed", failure: FAILURE });
    const second = await open().prepare(newPurchase(2n), NOW_MS);
    expect(second.purchaseId).not.toBe(first.purchaseId);
    await open().submit(second.purchaseId, Uint8Array.of(1), Uint8Array.of(2), NOW_MS);
    const licence = { licenceId: 40n, modelId: 2n, owner: BUYER };
    await open().licensed(licence, 25n, "0xhash", NOW_MS);
    await open().licensed(licence, 25n, "0xhash", NOW_MS);
    await open().licensed({ ...licence, licenceId: 41n }, 25n, "0xgift", NOW_MS);
    await open().failed(second.purchaseId, FAILURE, NOW_MS);
    await crash();
    expect(await open().byId(second.purchaseId)).toMatchObject({
      state: "owned",
      licenceId: 40n,
      transactionHash: "0xhash",
    });
    expect((await open().licencesOf(2n, BUYER, 10)).map(({ licenceId }) => licenceId)).toEqual([41n, 40n]);
    expect(await open().licencesOf(2n, OWNER, 10)).toEqual([]);
  });
}
