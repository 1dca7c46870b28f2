import { randomBytes } from "node:crypto";
import { abi as claimsAbi } from "@aios/contracts/abi/capability-claims";
import { abi as modelLicenceAbi } from "@aios/contracts/abi/model-licence";
import { contentIdOf } from "@aios/core-content-id/content-id";
import { EconomyBesideOthers } from "@aios/economy/test/support/economy-beside-others";
import { ACCOUNTS, testWallet } from "@aios/economy/test/support/test-chain";
import {
  CapabilityState,
  MarketplaceServiceService,
  ModelState,
} from "@aios/proto/aios/marketplace/v1/marketplace";
import { ContentServiceService } from "@aios/proto/aios/storage/v1/storage";
import { topics } from "@aios/proto/topics";
import type { GrpcClient } from "@aios/service-kit/grpc-client";
import { eventually } from "@aios/testkit/eventually";
import type { ServiceProcess } from "@aios/testkit/service-process";
import { Contract, parseEther } from "ethers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { as, signAll, storeAs } from "../support/market-scenario.js";

/** The developer's model as it lies in storage, and somebody else's content. */
const CONTENT = new TextEncoder().encode("an encrypted model");
const FOREIGN = new TextEncoder().encode("somebody else's encrypted model");
const PRICE_WEI = parseEther("25").toString();

describe("the marketplace on our own chain", () => {
  let platform: EconomyBesideOthers;
  let marketplace: ServiceProcess;
  let client: GrpcClient<typeof MarketplaceServiceService>;
  const commitment = randomBytes(32);
  const verifyingKeyHash = randomBytes(32);
  const honkKeyHash = randomBytes(32);
  const transcriptHash = randomBytes(32);
  let draftId = "";
  let modelId = 0;

  beforeAll(async () => {
    platform = await EconomyBesideOthers.start();
    const storage = await platform.startService("storage", {
      LIBP2P_LISTEN: "/ip4/127.0.0.1/tcp/0",
      // No key is released here.
      COMPUTE_GRPC_URL: "127.0.0.1:1",
    });
    marketplace = await platform.startService("marketplace", {
      CHAIN_RPC_URL: platform.chain.url,
      STORAGE_GRPC_URL: `127.0.0.1:${storage.ports.grpcPort}`,
      // Nobody listens there: the keys come by event.
      ZK_PROVER_GRPC_URL: "127.0.0.1:1",
      MARKETPLACE_REPEAT_INTERVAL: "200ms",
    });
    client = await platform.clientOf(MarketplaceServiceService, "marketplace", marketplace);
    const contents = await platform.clientOf(ContentServiceService, "storage", storage);
    await storeAs(contents, ACCOUNTS.developer, CONTENT);
    await storeAs(contents, ACCOUNTS.business, FOREIGN);
  });

  afterAll(() => platform?.stop());

  const terms = {
    name: "digits",
    description: "handwritten digits",
    contentCid: contentIdOf(CONTENT),
    modelCommitment: commitment,
    licencePriceWei: PRICE_WEI,
    royaltyBps: 0,
    usageFeeWei: parseEther("0.5").toString(),
    reportJson: '{"accuracy":0.96}',
    proofSystems: [],
  };

  it("keeps a draft while the prover is away, once per model, and refuses bad terms", async () => {
    const created = await as(ACCOUNTS.developer, () => client.createModel(terms));
    draftId = created.model?.draftId ?? "";
    expect(created.model?.state).toBe(ModelState.MODEL_STATE_DRAFT);
    expect(created.model?.royaltyBps).toBe(700);
    const again = await as(ACCOUNTS.developer, () => client.createModel(terms));
    expect(again.model?.draftId).toBe(draftId);
    const other = () => as(ACCOUNTS.developer, () => client.createModel({ ...terms, royaltyBps: 900 }));
    await expect(other()).rejects.toMatchObject({ code: "model-already-drafted" });
    const greedy = () => as(ACCOUNTS.developer, () => client.createModel({ ...terms, royaltyBps: 1_501 }));
    await expect(greedy()).rejects.toMatchObject({ code: "royalty-out-of-range", field: "royaltyBps" });
    const unknown = () =>
      as(ACCOUNTS.developer, () => client.createModel({ ...terms, proofSystems: ["plonk"] }));
    await expect(unknown()).rejects.toMatchObject({ code: "unknown-proof-system", field: "proofSystems" });
    await expect(client.createModel(terms)).rejects.toMatchObject({ code: "sign-in-required" });
    await expect(as(ACCOUNTS.business, () => client.getModel({ draftId }))).rejects.toMatchObject({
      code: "not-owner",
    });
  });

  it("refuses a draft on a content that somebody else stored, or nobody", async () => {
    const draft = (contentCid: string) =>
      as(ACCOUNTS.developer, () =>
        client.createModel({ ...terms, modelCommitment: randomBytes(32), contentCid }),
      );
    await expect(draft(contentIdOf(FOREIGN))).rejects.toMatchObject({
      code: "foreign-content",
      field: "contentCid",
    });
    const unknown = contentIdOf(Uint8Array.of(1, 2, 3));
    await expect(draft(unknown)).rejects.toMatchObject({ code: "content-not-found" });
  });

  it("publishes what the owner signed, when the keys are made", async () => {
    const prepare = () => as(ACCOUNTS.developer, () => client.prepareModelPublication({ draftId }));
    await expect(prepare()).rejects.toMatchObject({ code: "wrong-state" });
    await platform.recorder.publish(topics.proverKeyEnded, {
      modelCommitment: commitment,
      ready: true,
      verifyingKeyHash,
      verifyingKeyCid: "bafkreikey",
      trust: "forgeable by whoever calls themselves developer and buyers, possibly one party, together",
      errorCode: "",
      errorMessage: "",
      ceremonyTranscriptHash: transcriptHash,
      ceremonyTranscriptCid: "bafkreisteps",
      inputShape: [1, 28, 28],
      multiplications: 101_632,
    });
    await eventually(async () => {
      const { model } = await as(ACCOUNTS.developer, () => client.getModel({ draftId }));
      expect(model?.state).toBe(ModelState.MODEL_STATE_READY);
    });
    const { toSign } = await prepare();
    expect((await prepare()).toSign).toEqual(toSign);
    const forged = await signAll(ACCOUNTS.business, toSign);
    await expect(
      as(ACCOUNTS.developer, () => client.publishModel({ draftId, signatures: forged })),
    ).rejects.toMatchObject({ code: "bad-signature" });
    const signatures = await signAll(ACCOUNTS.developer, toSign);
    await as(ACCOUNTS.developer, () => client.publishModel({ draftId, signatures }));
    await eventually(async () => {
      const { model } = await as(ACCOUNTS.developer, () => client.getModel({ draftId }));
      expect(model?.state).toBe(ModelState.MODEL_STATE_PUBLISHED);
      modelId = model?.modelId ?? 0;
    });
    expect(modelId).toBe(1);
    const licence = new Contract(
      platform.contracts["ModelLicence"] ?? "",
      modelLicenceAbi,
      platform.chain.provider,
    );
    expect(await licence.getFunction("ceremonyTranscriptHash")(modelId)).toBe(
      `0x${transcriptHash.toString("hex")}`,
    );
    const { models, nextPageToken } = await client.listModels({ pageSize: 1, pageToken: "" });
    expect(models.map((model) => model.modelId)).toEqual([1]);
    expect(nextPageToken).toBe("");
  });

  it("says what was claimed on chain of what the model can do, and what has to be trusted", async () => {
    const list = async () => (await client.listCapabilities({ modelId })).capabilities;
    expect(await list()).toEqual([]);
    await expect(client.listCapabilities({ modelId: 404 })).rejects.toMatchObject({
      code: "model-not-found",
    });

    const { CapabilityClaims: claims, Groth16ResultVerifier: verifier } = platform.contracts;
    const send = async (who: typeof ACCOUNTS.developer, name: string, args: readonly unknown[]) => {
      const contract = new Contract(claims ?? "", claimsAbi, who.connect(platform.chain.provider));
      await (await contract.getFunction(name)(...args)).wait();
    };
    const root = `0x${"7e".repeat(32)}`;
    await send(ACCOUNTS.business, "publishTestSet", [root, 500, 10, "digits of somebody else"]);
    await send(ACCOUNTS.business, "offerDraw", [`0x${"5e".repeat(32)}`]);
    await send(ACCOUNTS.developer, "claim", [modelId, verifier, ACCOUNTS.business.address, root, 60, 58, 1]);

    const [capability, ...others] = await list();
    expect(others).toEqual([]);
    expect(capability).toMatchObject({
      claimId: 1,
      state: CapabilityState.CAPABILITY_STATE_WAITING_FOR_DRAW,
      testSetRoot: root,
      testSetSize: 500,
      publisher: ACCOUNTS.business.address.toLowerCase(),
      drawer: ACCOUNTS.business.address.toLowerCase(),
      drawCount: 60,
      minimumCorrect: 58,
      answered: 0,
      attempt: 1,
      accuracyAtLeastBps: 0,
      says: ["The samples are not drawn yet."],
    });
    expect(capability?.trusted.join(" ")).toContain("ceremony");
  });

  it("lists no draft whose terms, key or content are not those that the chain has", async () => {
    const owner = ACCOUNTS.developer;
    const published = (modelCommitment: Uint8Array, change: object) =>
      platform.recorder.publish(topics.economyModelPublished, {
        modelId: 900,
        owner: owner.address,
        modelCommitment,
        verifyingKeyHash,
        honkKeyHash,
        ceremonyTranscriptHash: new Uint8Array(32),
        contentCid: terms.contentCid,
        transactionHash: `0x${"12".repeat(32)}`,
        blockNumber: 1,
        licencePriceWei: terms.licencePriceWei,
        usageFeeWei: terms.usageFeeWei,
        royaltyBps: 700,
        ...change,
      });
    const differences = [
      { licencePriceWei: "1" },
      { usageFeeWei: parseEther("9").toString() },
      { royaltyBps: 1_500 },
      { contentCid: "bafkreianother" },
      { verifyingKeyHash: randomBytes(32) },
      { honkKeyHash: new Uint8Array(32) },
      { ceremonyTranscriptHash: randomBytes(32) },
    ];
    for (const change of differences) {
      const modelCommitment = randomBytes(32);
      const { model: drafted } = await as(owner, () =>
        client.createModel({ ...terms, modelCommitment, proofSystems: ["honk"] }),
      );
      const id = drafted?.draftId ?? "";
      const reaches = (state: ModelState) =>
        eventually(async () => {
          const { model } = await as(owner, () => client.getModel({ draftId: id }));
          expect(model?.state).toBe(state);
          return model;
        });
      await platform.recorder.publish(topics.proverKeyEnded, {
        modelCommitment,
        ready: true,
        verifyingKeyHash,
        verifyingKeyCid: "bafkreikey",
        trust: "",
        errorCode: "",
        errorMessage: "",
        ceremonyTranscriptHash: new Uint8Array(0),
        ceremonyTranscriptCid: "",
        inputShape: [1, 28, 28],
        multiplications: 101_632,
      });
      await platform.recorder.publish(topics.proverHonkKeyEnded, {
        modelCommitment,
        ready: true,
        verifyingKeyHash: honkKeyHash,
        verifyingKeyCid: "bafkreihonk",
        trust: "",
        errorCode: "",
        errorMessage: "",
        errorDetailsJson: "",
      });
      await reaches(ModelState.MODEL_STATE_READY);
      await published(modelCommitment, change);
      const failed = await reaches(ModelState.MODEL_STATE_FAILED);
      expect(failed?.error?.code).toBe("published-terms-differ");
      expect(JSON.parse(failed?.error?.detailsJson ?? "")).toMatchObject({ terms: Object.keys(change) });
    }
    await expect(client.getModel({ modelId: 900 })).rejects.toMatchObject({ code: "model-not-found" });
    const { models } = await client.listModels({ pageSize: 100, pageToken: "" });
    expect(models.map((model) => model.modelId)).toEqual([1]);
  });

  it("sells a licence for two signatures", async () => {
    const buyer = ACCOUNTS.business;
    const none = await client.findLicence({ modelId, account: buyer.address });
    expect(none).toEqual({ licenceId: 0, licencePriceWei: PRICE_WEI });
    const prepared = await as(buyer, () => client.prepareLicencePurchase({ modelId }));
    expect(prepared.priceWei).toBe(PRICE_WEI);
    const { purchaseId } = prepared;
    const signatures = await signAll(buyer, prepared.toSign);
    await expect(
      as(buyer, () => client.purchaseLicence({ purchaseId, signatures: signatures.slice(0, 1) })),
    ).rejects.toMatchObject({ code: "signature-missing", field: "signatures.permit" });
    await expect(
      as(ACCOUNTS.developer, () => client.purchaseLicence({ purchaseId, signatures })),
    ).rejects.toMatchObject({ code: "not-owner" });
    await as(buyer, () => client.purchaseLicence({ purchaseId, signatures }));
    const again = await as(buyer, () => client.purchaseLicence({ purchaseId, signatures }));
    expect(again.purchase?.purchaseId).toBe(purchaseId);
    await eventually(async () => {
      const { purchase } = await as(buyer, () => client.getPurchase({ purchaseId }));
      expect(purchase).toMatchObject({ state: "owned", licenceId: 1 });
    });
    expect((await client.findLicence({ modelId, account: buyer.address })).licenceId).toBe(1);
    await expect(as(buyer, () => client.prepareLicencePurchase({ modelId }))).rejects.toMatchObject({
      code: "licence-already-owned",
    });
  });

  it("says what is missing to a buyer without the money, and what is unknown", async () => {
    const poor = testWallet(9);
    const { purchaseId, toSign } = await as(poor, () => client.prepareLicencePurchase({ modelId }));
    const signatures = await signAll(poor, toSign);
    await expect(as(poor, () => client.purchaseLicence({ purchaseId, signatures }))).rejects.toMatchObject({
      code: "insufficient-funds",
      details: { neededWei: PRICE_WEI, balanceWei: "0" },
    });
    await expect(as(poor, () => client.prepareLicencePurchase({ modelId: 99 }))).rejects.toMatchObject({
      code: "model-not-found",
    });
  });

  it.each(["marketplace.purchase.after-store", "marketplace.purchase.after-relay"])(
    "finishes a purchase, paid once, when killed at %s",
    async (point) => {
      const buyer = point.endsWith("relay") ? ACCOUNTS.developer : ACCOUNTS.provider;
      const wrapped = new Contract(
        platform.contracts["WrappedAios"] ?? "",
        ["function balanceOf(address) view returns (uint256)"],
        platform.chain.provider,
      );
      const before = BigInt(await wrapped.getFunction("balanceOf")(buyer.address));
      const { purchaseId, toSign } = await as(buyer, () => client.prepareLicencePurchase({ modelId }));
      const signatures = await signAll(buyer, toSign);
      await marketplace.restart({ AIOS_CRASH_AT: `${point}=${platform.foundation.directory}/${point}` });
      const ended = marketplace.ended();
      await eventually(async () => {
        await as(buyer, () => client.purchaseLicence({ purchaseId, signatures })).catch((error: unknown) => {
          if (marketplace.pid !== 0 && error instanceof Error && error.message.includes("ECONNREFUSED"))
            throw error;
        });
        expect((await ended).signal).toBe("SIGKILL");
      });
      await marketplace.restart();
      await eventually(async () => {
        const { purchase } = await as(buyer, () => client.getPurchase({ purchaseId }));
        expect(purchase?.state).toBe("owned");
      });
      expect(before - BigInt(await wrapped.getFunction("balanceOf")(buyer.address))).toBe(BigInt(PRICE_WEI));
      const licences = new Contract(
        platform.contracts["ModelLicence"] ?? "",
        modelLicenceAbi,
        platform.chain.provider,
      );
      expect(Number(await licences.getFunction("balanceOf")(buyer.address))).toBe(1);
    },
  );
});
