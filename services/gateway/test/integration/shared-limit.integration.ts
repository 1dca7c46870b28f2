import { startPostgres, type TestPostgres } from "@aios/testkit/postgres";
import { redisIsInstalled, startRedis, type TestRedis } from "@aios/testkit/redis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type GatewayHarness, startGateway } from "../support/gateway-harness.js";

describe.skipIf(!redisIsInstalled())(
  "two gateways on one Redis (skipped where redis-server is not installed)",
  () => {
    let redis: TestRedis;
    let postgres: TestPostgres;
    let gateways: readonly GatewayHarness[];

    beforeAll(async () => {
      redis = await startRedis();
      postgres = await startPostgres();
      const env = { REDIS_URL: redis.url, GATEWAY_RATE_BURST: "4", GATEWAY_RATE_PER_SECOND: "1" };
      gateways = [await startGateway(env, postgres), await startGateway(env, postgres)];
    });

    afterAll(async () => {
      await Promise.all((gateways ?? []).map((gateway) => gateway.close()));
      await postgres?.stop();
      await redis?.stop();
    });

    it("count together, and while Redis is away answer reads but change nothing", async () => {
      const answers = await Promise.all(
        Array.from({ length: 12 }, (_, i) => fetch(`${gateways[i % 2]?.baseUrl}/v1/protocol`)),
      );
      const allowed = answers.filter(({ status }) => status === 200).length;
      // Each by itself would let four through.
      expect(allowed).toBeGreaterThanOrEqual(4);
      expect(allowed).toBeLessThan(8);

      await redis.stop();
      expect((await fetch(`${gateways[0]?.baseUrl}/v1/protocol`)).status).toBe(200);
      const write = await fetch(`${gateways[0]?.baseUrl}/v1/models`, { method: "POST", body: "{}" });
      expect(write.status).toBe(503);
      expect(write.headers.get("retry-after")).toBe("1");
      expect(await write.json()).toMatchObject({ code: "redis-unavailable" });
    });
  },
);
