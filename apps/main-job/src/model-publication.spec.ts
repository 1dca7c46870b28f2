import { decryptContent } from "@aios/core-sealing/content-encryption";
import { sealingPublicKey } from "@aios/core-sealing/sealed-key";
import type { Model } from "@aios/sdk/api-types";
import type { AiosClient } from "@aios/sdk/client";
import { ContentApi } from "@aios/sdk/content-api";
import type { GatewayConnection } from "@aios/sdk/gateway-connection";
import { toHex } from "@aios/sdk/hex";
import type { ModelDraft } from "@aios/sdk/model-api";
import { keccak256 } from "ethers/crypto";
import { expect, it } from "vitest";
import { type ModelOffer, publishOffer } from "./model-publication.js";

const REFUSAL = { code: "circuit-too-large", message: "The circuit is too large.", details: {} };
const OFFER: ModelOffer = {
  name: "n",
  description: "d",
  encoded: Uint8Array.of(1),
  commitment: new Uint8Array(32),
  report: {},
};

/** A platform that makes every key but the UltraHonk one, and what was signed there. */
function withoutHonk() {
  const signed: string[] = [];
  const ready = { honkKeyHash: null, honkRefusal: REFUSAL } as unknown as Model;
  const client = {
    content: {
      putUnguessable: async () => ({ cid: "c", contentKey: new Uint8Array(32) }),
      depositKey: async () => undefined,
    },
    models: {
      create: async () => ({ draftId: "draft" }),
      waitReady: async () => ready,
      publish: async (draftId: string) => {
        signed.push(draftId);
        return ready;
      },
    },
  } as unknown as AiosClient;
  return { client, signed };
}

it("signs no publication without an UltraHonk key where one was named, and says why there is none", async () => {
  const { client, signed } = withoutHonk();
  await expect(publishOffer(client, { ...OFFER, proofSystems: ["groth16", "honk"] })).rejects.toMatchObject({
    code: "honk-key-refused",
    message: expect.stringContaining(REFUSAL.message),
    details: { code: REFUSAL.code },
  });
  expect(signed).toEqual([]);
});

it("publishes without an UltraHonk key where none was named", async () => {
  const { client, signed } = withoutHonk();
  await publishOffer(client, { ...OFFER, proofSystems: ["groth16"] });
  await publishOffer(client, OFFER);
  expect(signed).toEqual(["draft", "draft"]);
});

/** A platform that keeps contents and drafts, and is cut off while the keys are made; its model store is the real rule's. */
function cutOffOnce() {
  const contents = new Map<string, Uint8Array>();
  const deposits: { readonly cid: string }[] = [];
  const drafts = new Map<string, string>();
  const signed: string[] = [];
  let cuts = 1;
  const connection = {
    signer: { address: `0x${"Ab".repeat(20)}` },
    signed: async ({ path, bytes, json }: { path: string; bytes?: Uint8Array; json?: unknown }) => {
      if (path.endsWith("/wrapping-key"))
        return { keyId: "k", publicKey: toHex(sealingPublicKey(new Uint8Array(32).fill(7))) };
      if (path === "/v1/content-keys") return void deposits.push(json as { cid: string });
      const cid = keccak256(bytes ?? new Uint8Array());
      contents.set(cid, bytes ?? new Uint8Array());
      return { cid };
    },
  };
  const models = {
    create: async ({ modelCommitment, contentCid }: ModelDraft) => {
      const drafted = drafts.get(modelCommitment) ?? contentCid;
      if (drafted !== contentCid) throw new Error("model-already-drafted");
      drafts.set(modelCommitment, contentCid);
      return { draftId: "draft" };
    },
    waitReady: async () => {
      if (cuts-- > 0) throw new Error("cut off");
      return { honkKeyHash: null } as Model;
    },
    publish: async (draftId: string) => {
      if (!signed.includes(draftId)) signed.push(draftId);
      return { modelId: 1 } as Model;
    },
  };
  const client = { content: new ContentApi(connection as unknown as GatewayConnection), models };
  return { client: client as unknown as AiosClient, contents, deposits, drafts, signed };
}

it("goes on where it was cut off between upload and mint, and publishes once", async () => {
  const platform = cutOffOnce();
  await expect(publishOffer(platform.client, OFFER)).rejects.toThrow("cut off");
  expect(platform.signed).toEqual([]);
  const { stored, model } = await publishOffer(platform.client, OFFER);
  await publishOffer(platform.client, OFFER);
  expect(model.modelId).toBe(1);
  expect(platform.signed).toEqual(["draft"]);
  expect([...platform.contents.keys()]).toEqual([stored.cid]);
  expect(new Set(platform.deposits.map(({ cid }) => cid))).toEqual(new Set([stored.cid]));
  const ciphertext = platform.contents.get(stored.cid) ?? new Uint8Array();
  expect(decryptContent(stored.contentKey, ciphertext)).toEqual(OFFER.encoded);
});
