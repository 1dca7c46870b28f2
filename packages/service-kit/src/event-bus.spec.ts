import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DEFAULT_RETRY, partitionOf, retryDelayMs } from "./event-bus.js";

describe("partitionOf", () => {
  // The values are part of the stored format: another hash would break the order of keys over an upgrade.
  it("is FNV-1a, 32 bit, for ever", () => {
    const whole = 2 ** 32;
    expect([partitionOf("", whole), partitionOf("a", whole), partitionOf("foobar", whole)]).toEqual([
      0x811c9dc5, 0xe40c292c, 0xbf9cf968,
    ]);
  });

  it("stays in range and is stable", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.integer({ min: 1, max: 1_024 }), (key, partitions) => {
        const partition = partitionOf(key, partitions);
        expect(partition).toBeGreaterThanOrEqual(0);
        expect(partition).toBeLessThan(partitions);
        expect(partitionOf(key, partitions)).toBe(partition);
      }),
    );
  });

  it("spreads job ids over all partitions", () => {
    const counts = new Array<number>(8).fill(0);
    for (let i = 0; i < 8_000; i++) {
      const partition = partitionOf(`0x${i.toString(16).padStart(64, "0")}`, 8);
      counts[partition] = (counts[partition] ?? 0) + 1;
    }
    for (const count of counts) expect(count).toBeGreaterThan(500);
  });
});

describe("retryDelayMs", () => {
  it("doubles from the first delay up to the longest", () => {
    expect([1, 2, 3, 7, 8].map((attempt) => retryDelayMs(DEFAULT_RETRY, attempt))).toEqual([
      50, 100, 200, 3_000, 3_000,
    ]);
    expect(retryDelayMs(DEFAULT_RETRY, Number.MAX_SAFE_INTEGER)).toBe(3_000);
  });
});
