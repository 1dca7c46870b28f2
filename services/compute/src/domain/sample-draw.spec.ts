import { bytes32, jobId } from "@aios/kernel/identifiers";
import fc from "fast-check";
import { expect, it } from "vitest";
import { drawSample } from "./sample-draw.js";

const word = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((bytes) => `0x${Buffer.from(bytes).toString("hex")}`);

it("draws all of a whole share, none of an empty one, and more of a larger one than of a smaller", () => {
  fc.assert(
    fc.property(word, word, fc.nat({ max: 10_000 }), fc.nat({ max: 10_000 }), (id, hash, a, b) => {
      const drawn = (share: number) => drawSample(jobId(id), bytes32(hash), share).drawn;
      expect(drawn(10_000)).toBe(true);
      expect(drawn(0)).toBe(false);
      if (drawn(Math.min(a, b))) expect(drawn(Math.max(a, b))).toBe(true);
    }),
  );
});

it("draws about its share of many jobs", () => {
  const hash = bytes32(`0x${"5a".repeat(32)}`);
  const drawn = Array.from({ length: 10_000 }, (_, index) =>
    drawSample(jobId(`0x${index.toString(16).padStart(64, "0")}`), hash, 1_000),
  ).filter((draw) => draw.drawn);
  // Five standard deviations of a binomial of 10,000 and 0.1.
  expect(Math.abs(drawn.length - 1_000)).toBeLessThan(150);
});
