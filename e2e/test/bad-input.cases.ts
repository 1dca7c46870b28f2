import { digitAt } from "@aios/datasets/labelled-digits";
import { aios } from "@aios/kernel/units";
import { INFERENCE_PRICE_CAP_WEI, LICENCE_PRICE_WEI, TRAINING } from "@aios/main-job/plan";
import { AiosClient } from "@aios/sdk/client";
import { toHex } from "@aios/sdk/hex";
import { signAll } from "@aios/sdk/sign-all";
import { privateKeySigner } from "@aios/sdk/wallet";
import { systemClock } from "@aios/service-kit/system-clock";
import { eventually } from "@aios/testkit/eventually";
import { describe, expect, test } from "vitest";
import { persistently } from "../src/persistence.js";
import type { SoldInference } from "../src/sold-inference.js";

/** What needs each backend alone, of those that the gateway asks. */
const ASKED: readonly (readonly [string, (client: AiosClient, sold: SoldInference) => Promise<unknown>])[] = [
  ["compute", ({ jobs }, { result }) => jobs.get(result.inference.job.jobId)],
  ["storage", ({ content }, { result }) => content.get(result.model.contentCid)],
  ["zk-prover", ({ jobs }, { result }) => jobs.proof(result.inference.job.jobId)],
  ["marketplace", ({ models }, { result }) => models.get(result.model.modelId as number)],
  ["economy", (client) => client.balances()],
  ["scoring", (client, { result }) => client.contribution(result.inference.job.provider as string)],
  ["consensus", ({ rpc }) => rpc.blockNumber()],
  ["postgres", ({ jobs }) => jobs.list()],
];

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

    test.each(ASKED)(
      "%s down: 503 with Retry-After, and again an answer when it is back",
      async (process, ask) => {
        const { supervisor } = sold().local.platform;
        const once = new AiosClient({
          baseUrl: sold().local.url,
          signer: privateKeySigner(sold().local.platform.privateKey("business")),
          retries: 0,
        });
        await ask(once, sold());
        supervisor.abandon(process);
        try {
          // Processes of PostgreSQL outlive their first one by a moment, and may answer in it.
          await eventually(() =>
            expect(ask(once, sold())).rejects.toMatchObject({
              kind: "unavailable",
              retryAfterMs: expect.any(Number),
            }),
          );
        } finally {
          await supervisor.revive(process, 60_000);
        }
        await persistently(systemClock, () => ask(once, sold()));
      },
    );

    test("insufficient funds: what the contract reverts with, decoded, before anything is on chain", async () => {
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
        details: expect.objectContaining({ error: "ERC20InsufficientBalance" }),
      });
    });

    test("a signature of somebody else: refused by name", async () => {
      const { business, local, unseen } = sold();
      const { job, toSign } = await business.jobs.prepare(inference(digitAt(unseen, 0)));
      const impostor = privateKeySigner(local.platform.privateKey("developer"));
      const refused = business.graphql.request(
        `mutation($id: Bytes32!, $signatures: SignaturesInput!, $key: String!) {
          placeJob(jobId: $id, input: $signatures, idempotencyKey: $key) { state }
        }`,
        {
          id: job.jobId,
          signatures: { signatures: await signAll(impostor, toSign) },
          key: crypto.randomUUID(),
        },
      );
      await expect(refused).rejects.toMatchObject({ code: "signature-not-yours" });
    });

    test("an expired sign-in: 401, and the client of the SDK signs in again", async () => {
      const { business, local } = sold();
      const short = { GATEWAY_SESSION_LIFETIME: "1s" };
      await local.platform.supervisor.restartWith("gateway", short, 60_000);
      const { accessToken } = await persistently(systemClock, () => business.signIn());
      const refused = await eventually(async () => {
        const answer = await fetch(`${local.url}/v1/jobs`, {
          headers: { authorization: `Bearer ${accessToken}` },
        });
        expect(answer.status).toBe(401);
        return answer;
      });
      expect(refused.headers.get("content-type")).toContain("application/problem+json");
      expect(await refused.json()).toMatchObject({ status: 401, code: "session-expired" });
      expect((await business.jobs.list()).items.length).toBeGreaterThan(0);
    });
  });
}
