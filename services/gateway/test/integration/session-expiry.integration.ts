import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { type GatewayHarness, startGateway } from "../support/gateway-harness.js";

let gateway: GatewayHarness;

beforeAll(async () => {
  gateway = await startGateway({ GATEWAY_SESSION_LIFETIME: "1s" });
});
afterAll(() => gateway?.close());

it("refuses a session whose time is over, by name", async () => {
  const authorization = `Bearer ${await gateway.token()}`;
  const ask = () => fetch(`${gateway.baseUrl}/v1/jobs`, { headers: { authorization } });
  const refused = await vi.waitUntil(
    async () => {
      const answer = await ask();
      return answer.status === 401 ? answer : undefined;
    },
    { timeout: 20_000, interval: 100 },
  );
  expect(refused.headers.get("content-type")).toContain("application/problem+json");
  expect(await refused.json()).toMatchObject({ status: 401, code: "session-expired" });
});
