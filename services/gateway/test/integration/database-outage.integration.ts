import { afterAll, beforeAll, expect, it } from "vitest";
import { jobMessage } from "../support/fake-peers.js";
import { type GatewayHarness, startGateway } from "../support/gateway-harness.js";

let gateway: GatewayHarness;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway?.close());

it("answers 503 while its database is gone, keeps open reads, and recovers by itself", async () => {
  gateway.peers.answer("PrepareJob", () => ({
    job: jobMessage(),
    toSign: [],
    inputSalt: new Uint8Array(32),
  }));
  const headers = { authorization: `Bearer ${await gateway.token()}`, "content-type": "application/json" };
  const body = JSON.stringify({
    inference: { modelId: 1, input: `0x${"00".repeat(784)}` },
    verification: "proof",
    priceCapWei: "1000",
  });
  const prepare = (): Promise<Response> =>
    fetch(`${gateway.baseUrl}/v1/jobs`, {
      method: "POST",
      headers: { ...headers, "idempotency-key": "outage" },
      body,
    });

  await gateway.postgres.kill();
  const refused = await prepare();
  expect(refused.status).toBe(503);
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
  expect(await refused.json()).toMatchObject({ code: "database-unavailable" });
  expect(gateway.peers.callsOf("PrepareJob")).toEqual([]);
  expect((await fetch(`${gateway.baseUrl}/v1/protocol`)).status).toBe(200);

  await gateway.postgres.restart();
  await expect.poll(async () => (await prepare()).status, { timeout: 20_000, interval: 250 }).toBe(201);
  expect(gateway.peers.callsOf("PrepareJob")).toHaveLength(1);
});
