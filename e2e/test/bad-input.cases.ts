import { digitAt } from "@aios/datasets/labelled-digits";
import { aios } from "@aios/kernel/units";
import { INFERENCE_PRICE_CAP_WEI, LICENCE_PRICE_WEI, TRAINING } from "@aios/main-job/plan";
import { AiosClient } from "@aios/sdk/client";
import { toHex } from "@aios/sdk/hex";
import { privateKeySigner } from "@aios/sdk/wallet";
import { systemClock } from "@aios/service-kit/system-clock";
import { describe, expect, test } from "vitest";
import { persistently } from "../src/persistence.js";
import type { SoldInference } from "../src/sold-inference.js";

/** What a platform that sold an inference answers to what it cannot take. */
export function badInputCases(sold: () => SoldInference): void {
  describe("bad input has a name", () => {
    const inference = (input: Uint8Array, priceCapWei: bigint = INFERENCE_PRICE_CAP_WEI) => ({
      inference: { modelId: sold().result.model.modelId as number, input: toHex(input) },
      verification: "proof" as const,
      priceCapWei,
    });

    test("an image of the wrong shape: 422 and the field", async () => {
      await expect(sold().business.jobs.prepare(inference(new Uint8Array(783)))).rejects.toMatchObject({
        kind: "unprocessable",
        field: expect.stringContaining("input"),
      });
    });

    test("a cap below every offer: 409 and the cheapest", async () => {
      await expect(
        sold().business.jobs.prepare(inference(digitAt(sold().unseen, 0), 1n)),
      ).rejects.toMatchObject({
        kind: "conflict",
        code: "price-cap-too-low",
        details: expect.objectContaining({ cheapestWei: expect.stringMatching(/^\d+$/) }),
      });
    });

    test("no licence: 402 and the price", async () => {
      const unlicensed = sold().local.client("provider-1");
      await expect(unlicensed.jobs.prepare(inference(digitAt(sold().unseen, 0)))).rejects.toMatchObject({
        kind: "payment-required",
        code: "licence-required",
        details: expect.objectContaining({ licencePriceWei: String(LICENCE_PRICE_WEI) }),
      });
    });

    test("an unknown CID: 404", async () => {
      await expect(
        sold().business.content.get("bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy"),
      ).rejects.toMatchObject({ kind: "not-found" });
    });

    test("somebody else's key log: 403", async () => {
      await expect(sold().business.content.releases(sold().result.model.contentCid)).rejects.toMatchObject({
        kind: "forbidden",
      });
    });

    test("somebody else's job: 403", async () => {
      await expect(sold().developer.jobs.get(sold().result.inference.job.jobId)).rejects.toMatchObject({
        kind: "forbidden",
      });
    });

    test("no sign-in: 401 as problem details", async () => {
      const response = await fetch(`${sold().local.url}/v1/jobs`);
      expect(response.status).toBe(401);
      expect(response.headers.get("content-type")).toContain("application/problem+json");
      expect(await response.json()).toMatchObject({
        status: 401,
        code: expect.any(String),
        traceId: expect.any(String),
      });
    });

    test("an oversized body: 413 as problem details", async () => {
      const response = await fetch(`${sold().local.url}/v1/jobs`, {
        method: "POST",
        headers: { "content-type": "application/json", "idempotency-key": crypto.randomUUID() },
        body: JSON.stringify({ inference: { input: `0x${"00".repeat(300 * 1024)}` } }),
      });
      expect(response.status).toBe(413);
      expect(await response.json()).toMatchObject({ status: 413, code: expect.any(String) });
    });

    test("a service that is down: 503 with Retry-After, and again an answer when it is back", async () => {
      const { supervisor } = sold().local.platform;
      const jobId = sold().result.inference.job.jobId;
      const once = new AiosClient({
        baseUrl: sold().local.url,
        signer: privateKeySigner(sold().local.platform.privateKey("business")),
        retries: 0,
      });
      await once.jobs.get(jobId);
      supervisor.abandon("compute");
      await expect(once.jobs.get(jobId)).rejects.toMatchObject({
        kind: "unavailable",
        retryAfterMs: expect.any(Number),
      });
      await supervisor.revive("compute", 60_000);
      expect((await persistently(systemClock, () => once.jobs.get(jobId))).jobId).toBe(jobId);
    });

    test("insufficient funds: the reason, before anything is on chain", async () => {
      const poor = sold().local.client("foundation");
      const prepared = await poor.jobs.prepare({
        training: { ...TRAINING, epochs: 1 },
        verification: "none",
        priceCapWei: aios(50),
        outputRecipientPublicKey: `0x${"11".repeat(32)}`,
      });
      await expect(poor.jobs.place(prepared)).rejects.toMatchObject({
        code: "insufficient-funds",
        message: expect.stringContaining("balance"),
      });
    });
  });
}
