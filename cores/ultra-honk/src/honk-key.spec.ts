import { scalarToBytes } from "@aios/core-zkml/scalar-field";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeHonkKey, HONK_KEY_BYTES, honkKeyHash } from "./honk-key.js";
import { checkedHonkProof, honkProofBytes, MAX_HONK_PROOF_BYTES } from "./honk-proof.js";

const ARITHMETIC = new Set([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 18, 19, 20, 21]);

function keyWith(changes: Readonly<Record<number, bigint>> = {}): Uint8Array {
  const words = [12n, 11n, 5n];
  for (let point = 0; point < 28; point++) words.push(...(ARITHMETIC.has(point) ? [1n, 2n] : [0n, 0n]));
  for (const [at, value] of Object.entries(changes)) words[Number(at)] = value;
  return Buffer.concat(words.map(scalarToBytes));
}

describe("an UltraHonk verifying key", () => {
  it("tells rows, public inputs and commitments", () => {
    const key = decodeHonkKey(keyWith());
    expect(key).toMatchObject({ logRows: 12, publicInputs: 3 });
    expect(key.points).toHaveLength(28);
    expect(honkKeyHash(keyWith())).toHaveLength(32);
  });

  it.each([
    ["rows below four", { 0: 1n }],
    ["rows above 2^24", { 0: 25n }],
    ["fewer public inputs than recursion takes", { 1: 7n }],
    ["more public inputs than rows", { 1: 5000n }],
    ["public inputs elsewhere", { 2: 1n }],
    ["a point off the curve", { 3: 5n }],
    ["a coordinate outside the field", { 3: (1n << 256n) - 1n }],
    ["a lookup selector", { 23: 1n, 24: 2n }],
    ["a range selector", { 47: 1n, 48: 2n }],
    ["a Poseidon selector", { 57: 1n, 58: 2n }],
  ])("is refused with %s", (_, changes) => {
    expect(() => decodeHonkKey(keyWith(changes))).toThrow(
      expect.objectContaining({ code: "malformed-verifying-key" }),
    );
  });

  it("never takes other bytes, whatever they are", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: HONK_KEY_BYTES + 64 }), (bytes) => {
        expect(() => decodeHonkKey(bytes)).toThrow(
          expect.objectContaining({ code: "malformed-verifying-key" }),
        );
      }),
    );
  });
});

describe("an UltraHonk proof", () => {
  it("has a size that its circuit's rows determine", () => {
    expect(honkProofBytes(16)).toBe(8768);
    expect(MAX_HONK_PROOF_BYTES).toBe(honkProofBytes(24));
  });

  it("is taken with exactly as many bytes", () => {
    const proof = new Uint8Array(honkProofBytes(4));
    expect(checkedHonkProof(proof, 4)).toBe(proof);
    for (const wrong of [proof.subarray(32), new Uint8Array(proof.length + 1), new Uint8Array()])
      expect(() => checkedHonkProof(wrong, 4)).toThrow(expect.objectContaining({ code: "malformed-proof" }));
  });
});
