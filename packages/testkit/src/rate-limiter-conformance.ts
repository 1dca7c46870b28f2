import { randomUUID } from "node:crypto";
import type { RateLimiter } from "@aios/service-kit/rate-limiter";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

export interface RateLimiterBackend {
  /** A limiter as another process would open it. */
  open(): Promise<RateLimiter>;
  /** Lets time pass for the limiter. */
  pass(durationMs: number): Promise<void>;
  /** SIGKILL and start again; absent for what lives in the process. */
  crash?(): Promise<void>;
  close(): Promise<void>;
}

/** Every adapter of `RateLimiter` passes this. */
export function rateLimiterConformance(name: string, start: () => Promise<RateLimiterBackend>): void {
  describe(`${name} as RateLimiter`, () => {
    let backend: RateLimiterBackend;
    beforeAll(async () => {
      backend = await start();
    });
    afterAll(async () => {
      await backend.close();
    });

    it("allows a burst of the capacity, then refuses and says when to come back", async () => {
      const limiter = await backend.open();
      const [key, limit] = [randomUUID(), { capacity: 3, refillPerSecond: 0.01 }];
      expect((await limiter.take(key, limit)).remaining).toBe(2);
      await limiter.take(key, limit);
      expect(await limiter.take(key, limit)).toMatchObject({ allowed: true, remaining: 0, retryAfterMs: 0 });
      const refused = await limiter.take(key, limit);
      expect(refused).toMatchObject({ allowed: false, remaining: 0 });
      expect(refused.retryAfterMs).toBeGreaterThan(50_000);
      expect(refused.retryAfterMs).toBeLessThanOrEqual(100_000);
      expect((await limiter.take(randomUUID(), limit)).allowed).toBe(true);
    });

    it("refills over time, never above the capacity", async () => {
      const limiter = await backend.open();
      const [key, limit] = [randomUUID(), { capacity: 2, refillPerSecond: 50 }];
      await limiter.take(key, limit, 2);
      await backend.pass(200);
      expect(await limiter.take(key, limit, 2)).toMatchObject({ allowed: true, remaining: 0 });
    });

    it("takes all of a cost or nothing, and never more than the capacity", async () => {
      const limiter = await backend.open();
      const [key, limit] = [randomUUID(), { capacity: 5, refillPerSecond: 0.001 }];
      await limiter.take(key, limit, 3);
      expect((await limiter.take(key, limit, 3)).allowed).toBe(false);
      expect(await limiter.take(key, limit, 2)).toMatchObject({ allowed: true, remaining: 0 });
      expect(await limiter.take(randomUUID(), limit, 6)).toMatchObject({
        allowed: false,
        retryAfterMs: Number.POSITIVE_INFINITY,
      });
    });

    it("counts exactly when many callers of many processes come at once", async () => {
      const limiters = await Promise.all([backend.open(), backend.open()]);
      const [key, limit] = [randomUUID(), { capacity: 25, refillPerSecond: 0.001 }];
      const decisions = await Promise.all(
        Array.from({ length: 80 }, (_, i) => limiters[i % 2]?.take(key, limit)),
      );
      expect(decisions.filter((decision) => decision?.allowed)).toHaveLength(25);
    });

    it("works again after its backend was killed", async ({ skip }) => {
      if (backend.crash === undefined) return skip("this backend lives in the process");
      const limiter = await backend.open();
      await limiter.take("k", { capacity: 1, refillPerSecond: 1 });
      await backend.crash();
      expect((await limiter.take(randomUUID(), { capacity: 1, refillPerSecond: 1 })).allowed).toBe(true);
    });
  });
}
