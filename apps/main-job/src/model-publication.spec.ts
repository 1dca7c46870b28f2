import type { Model } from "@aios/sdk/api-types";
import type { AiosClient } from "@aios/sdk/client";
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
      putEncrypted: async () => ({ cid: "c", contentKey: new Uint8Array(32) }),
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
