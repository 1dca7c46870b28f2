import { setTimeout as wait } from "node:timers/promises";
import { RedisConnection } from "@aios/service-kit/redis-connection";
import { RedisLockManager } from "@aios/service-kit/redis-lock";
import { RedisRateLimiter } from "@aios/service-kit/redis-rate-limiter";
import { describe, expect, it } from "vitest";
import { lockManagerConformance } from "../../src/lock-conformance.js";
import { rateLimiterConformance } from "../../src/rate-limiter-conformance.js";
import { redisIsInstalled, startRedis, type TestRedis } from "../../src/redis.js";
import { silentLogger } from "../../src/silent-logger.js";

function connect(redis: TestRedis): RedisConnection {
  return new RedisConnection({ url: redis.url, applicationName: "test", logger: silentLogger });
}

async function backend<T>(adapter: (connection: RedisConnection) => T) {
  const redis = await startRedis();
  const opened: RedisConnection[] = [];
  return {
    open: async () => {
      const connection = connect(redis);
      opened.push(connection);
      return adapter(connection);
    },
    // Redis's own clock counts, so the time that these wait is real.
    pass: (ms: number) => wait(ms),
    crash: () => redis.crash(),
    close: async () => {
      await Promise.all(opened.map((connection) => connection.close()));
      await redis.stop();
    },
  };
}

describe.skipIf(!redisIsInstalled())("on a real Redis (skipped where redis-server is not installed)", () => {
  rateLimiterConformance("RedisRateLimiter", () => backend((redis) => new RedisRateLimiter(redis)));
  lockManagerConformance("RedisLockManager", () => backend((redis) => new RedisLockManager(redis)));

  it("keeps fencing tokens growing over a flush, and the lease of before cannot renew", async () => {
    const redis = await startRedis();
    const connection = connect(redis);
    try {
      const locks = new RedisLockManager(connection);
      const before = await locks.tryAcquire("n", 60_000);
      await connection.run({ source: "return redis.call('FLUSHALL')" }, [], []);
      const after = await locks.tryAcquire("n", 60_000);
      expect(after?.fencingToken).toBeGreaterThan(before?.fencingToken ?? 0n);
      expect(await before?.renew(60_000)).toBe(false);
    } finally {
      await connection.close();
      await redis.stop();
    }
  });

  it("names the outage when Redis is away", async () => {
    const redis = await startRedis();
    const connection = connect(redis);
    await connection.ping();
    await redis.stop();
    await expect(
      new RedisRateLimiter(connection).take("k", { capacity: 1, refillPerSecond: 1 }),
    ).rejects.toMatchObject({
      code: "redis-unavailable",
      kind: "unavailable",
      retryAfterMs: expect.any(Number),
    });
    await connection.close();
  });
});
