import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { logitBits, logitRange, packOutput, unpackOutput } from "./output-packing.js";
import { SCALAR_FIELD_ORDER } from "./scalar-field.js";

describe("output packing", () => {
  it("gives ten logits 25 bits each, and never reaches the field order", () => {
    expect(logitBits(10)).toBe(25);
    expect(logitBits(1)).toBe(32);
    for (let count = 1; count <= 31; count++) {
      expect(packOutput(Array.from({ length: count }, () => logitRange(count).max))).toBeLessThan(
        SCALAR_FIELD_ORDER,
      );
    }
  });

  it("round-trips any logits in range, signs included", () => {
    fc.assert(
      fc.property(
        fc
          .integer({ min: 1, max: 31 })
          .chain((count) => fc.array(fc.integer(logitRange(count)), { minLength: count, maxLength: count })),
        (logits) => {
          expect([...unpackOutput(packOutput(logits), logits.length)]).toEqual(logits);
        },
      ),
    );
  });

  it("refuses logits just outside and numbers that nothing packs to", () => {
    const { min, max } = logitRange(10);
    const zeros = Array.from({ length: 9 }, () => 0);
    expect(() => packOutput([min - 1, ...zeros])).toThrow(
      expect.objectContaining({ code: "logit-out-of-range" }),
    );
    expect(() => packOutput([...zeros, max + 1])).toThrow(
      expect.objectContaining({ code: "logit-out-of-range" }),
    );
    expect(() => packOutput([0.5])).toThrow(expect.objectContaining({ code: "logit-out-of-range" }));
    expect(() => unpackOutput(1n << 250n, 10)).toThrow(
      expect.objectContaining({ code: "malformed-packed-output" }),
    );
    expect(() => unpackOutput(-1n, 10)).toThrow(expect.objectContaining({ code: "malformed-packed-output" }));
    expect(() => packOutput([])).toThrow(expect.objectContaining({ code: "invalid-logit-count" }));
    expect(() => unpackOutput(0n, 32)).toThrow(expect.objectContaining({ code: "invalid-logit-count" }));
  });
});
