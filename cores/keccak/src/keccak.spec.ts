import { keccak_256 } from "@noble/hashes/sha3.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { keccak256 } from "./keccak.js";

describe("keccak256", () => {
  it("equals an independent implementation at every length around the block and buffer sizes", () => {
    const lengths = [0, 1, 31, 32, 64, 135, 136, 137, 271, 272, 273, 532, 16_383, 16_384, 16_385, 100_000];
    for (const length of lengths) {
      const bytes = Uint8Array.from({ length }, (_, i) => i * 31);
      expect(keccak256(bytes)).toEqual(keccak_256(bytes));
    }
  });

  it("equals it for arbitrary bytes, views into larger buffers included", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), fc.nat(20), (bytes, offset) => {
        const view = bytes.subarray(Math.min(offset, bytes.length));
        expect(keccak256(view)).toEqual(keccak_256(view));
      }),
      { numRuns: 500 },
    );
  });

  it("gives results that later calls leave alone", () => {
    const first = keccak256(Uint8Array.of(1));
    const copy = first.slice();
    keccak256(Uint8Array.of(2));
    expect(first).toEqual(copy);
  });
});
