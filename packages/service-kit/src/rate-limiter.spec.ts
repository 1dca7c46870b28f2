import { ManualClock } from "@aios/kernel/clock";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MemoryRateLimiter } from "./memory-rate-limiter.js";
import { type Bucket, takeFrom } from "./rate-limiter.js";

describe("takeFrom", () => {
  const limits = fc.record({
    capacity: fc.integer({ min: 1, max: 50 }),
    refillPerSecond: fc.integer({ min: 1, max: 100 }),
  });
  const calls = fc.array(fc.record({ afterMs: fc.nat(500), cost: fc.integer({ min: 1, max: 10 }) }), {
    maxLength: 100,
  });

  it("never lets more through than the capacity and what was refilled", () => {
    fc.assert(
      fc.property(limits, calls, (limit, sequence) => {
        let bucket: Bucket | undefined;
        let [nowMs, taken] = [0, 0];
        for (const { afterMs, cost } of sequence) {
          nowMs += afterMs;
          const result = takeFrom(bucket, limit, cost, nowMs);
          bucket = result.bucket;
          if (result.decision.allowed) taken += cost;
          expect(bucket.tokens).toBeGreaterThanOrEqual(0);
          expect(bucket.tokens).toBeLessThanOrEqual(limit.capacity);
        }
        expect(taken).toBeLessThanOrEqual(limit.capacity + (nowMs * limit.refillPerSecond) / 1_000 + 1e-6);
      }),
    );
  });

  it("keeps its word: a refused call is allowed after retryAfterMs, and not a millisecond and a half before", () => {
    fc.assert(
      fc.property(limits, calls, (limit, sequence) => {
        let bucket: Bucket | undefined;
        let nowMs = 0;
        for (const { afterMs, cost } of sequence) {
          nowMs += afterMs;
          const { bucket: next, decision } = takeFrom(bucket, limit, cost, nowMs);
          bucket = next;
          if (decision.allowed || decision.retryAfterMs === Number.POSITIVE_INFINITY) continue;
          // A rounding error of the sum may cost one more millisecond.
          expect(takeFrom(bucket, limit, cost, nowMs + decision.retryAfterMs + 1).decision.allowed).toBe(
            true,
          );
          if (decision.retryAfterMs > 2) {
            expect(takeFrom(bucket, limit, cost, nowMs + decision.retryAfterMs - 2).decision.allowed).toBe(
              false,
            );
          }
        }
      }),
    );
  });

  it("gives nothing for a clock that runs backwards", () => {
    const limit = { capacity: 2, refillPerSecond: 1_000 };
    const { bucket } = takeFrom({ tokens: 1, atMs: 5_000 }, limit, 1, 1_000);
    expect(bucket).toEqual({ tokens: 0, atMs: 5_000 });
  });
});

describe("MemoryRateLimiter", () => {
  it("is bounded: the longest unused key starts afresh", async () => {
    const limiter = new MemoryRateLimiter(new ManualClock(), 2);
    const limit = { capacity: 1, refillPerSecond: 0.001 };
    const allowed = async (key: string): Promise<boolean> => (await limiter.take(key, limit)).allowed;
    expect([await allowed("a"), await allowed("b"), await allowed("a")]).toEqual([true, true, false]);
    expect(await allowed("c")).toBe(true);
    expect(await allowed("a")).toBe(false);
    expect(await allowed("b")).toBe(true);
  });
});
