import { keccak_256 } from "@noble/hashes/sha3.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { keccak256, keccak256Limbs, keccak256To, keccak256Words } from "./keccak.js";

describe("keccak256", () => {
  it("equals an independent implementation at every length around the block and buffer sizes", () => {
    const lengths = [
      0, 1, 31, 32, 64, 135, 136, 137, 271, 272, 273, 532, 65_007, 65_008, 65_009, 130_016, 200_000,
    ];
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

  it("gives the same digest as limbs, for a part of larger bytes, and touches nothing beside it", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.nat(400), fc.nat(400), (bytes, a, b) => {
        const from = Math.min(a, bytes.length);
        const length = Math.min(b, bytes.length - from);
        const out = new Int32Array(10).fill(7);
        keccak256Limbs(bytes, from, length, out, 1);
        const value = [...out.subarray(1, 9)].reduceRight(
          (sum, limb) => (sum << 32n) | BigInt(limb >>> 0),
          0n,
        );
        const expected = Buffer.from(keccak_256(bytes.subarray(from, from + length))).toString("hex");
        expect(value.toString(16).padStart(64, "0")).toBe(expected);
        expect([out[0], out[9]]).toEqual([7, 7]);
      }),
      { numRuns: 500 },
    );
  });

  it("writes the same digest where it is told to, for a part of larger bytes, and touches nothing beside it", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.nat(400), fc.nat(400), (bytes, a, b) => {
        const from = Math.min(a, bytes.length);
        const length = Math.min(b, bytes.length - from);
        const out = new Uint8Array(34).fill(7);
        keccak256To(bytes, from, length, out, 1);
        expect([...out]).toEqual([7, ...keccak_256(bytes.subarray(from, from + length)), 7]);
      }),
    );
  });

  it("writes the same digest behind a message in words, of any length, and touches nothing beside it", () => {
    const lengths = [...Array.from({ length: 300 }, (_, i) => i), 532, 65_007, 65_008, 70_001];
    for (const length of lengths) {
      const words = (length + 3) >> 2;
      const memory = new Int32Array(words + 11).fill(-1);
      const bytes = new Uint8Array(memory.buffer);
      for (let i = 0; i < length; i++) bytes[4 + i] = i * 37 + length;
      const before = memory.slice();
      keccak256Words(memory, 1, length, words + 2);
      before.set(new Int32Array(keccak_256(bytes.slice(4, 4 + length)).slice().buffer), words + 2);
      expect(memory).toEqual(before);
    }
  });

  it("gives results that later calls leave alone", () => {
    const first = keccak256(Uint8Array.of(1));
    const copy = first.slice();
    keccak256(Uint8Array.of(2));
    expect(first).toEqual(copy);
  });
});
