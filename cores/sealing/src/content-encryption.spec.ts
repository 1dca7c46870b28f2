import { createDecipheriv, createHash, hkdfSync } from "node:crypto";
import { SeededRng } from "@aios/kernel/random";
import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readVectors } from "../test/read-vectors.js";
import {
  decryptContent,
  ENCRYPTION_OVERHEAD_BYTES,
  encryptContent,
  encryptUnguessable,
  generateContentKey,
} from "./content-encryption.js";

const seeds = fc.integer({ min: 0, max: 2 ** 32 - 1 });

describe("content encryption", () => {
  it("round-trips, adds a constant, and agrees with Node's AES-GCM", () => {
    fc.assert(
      fc.property(seeds, fc.uint8Array({ maxLength: 5000 }), (seed, plaintext) => {
        const rng = new SeededRng(seed);
        const key = generateContentKey(rng);
        const content = encryptContent(key, plaintext, rng);
        expect(content.length).toBe(plaintext.length + ENCRYPTION_OVERHEAD_BYTES);
        expect(decryptContent(key, content)).toEqual(plaintext);

        const decipher = createDecipheriv("aes-256-gcm", key, content.subarray(5, 17));
        decipher.setAAD(content.subarray(0, 17));
        decipher.setAuthTag(content.subarray(-16));
        const opened = Buffer.concat([decipher.update(content.subarray(17, -16)), decipher.final()]);
        expect(Uint8Array.from(opened)).toEqual(plaintext);
      }),
      { numRuns: 50 },
    );
  });

  it("gives an owner's content the same bytes again, and everything else another key", () => {
    const content = fc.uint8Array({ minLength: 16, maxLength: 500 });
    fc.assert(
      fc.property(content, content, fc.string(), fc.string(), (one, two, owner, stranger) => {
        fc.pre(Buffer.compare(one, two) !== 0 && owner !== stranger);
        const made = encryptUnguessable(one, owner);
        expect(encryptUnguessable(one, owner)).toEqual(made);
        expect(decryptContent(made.contentKey, made.ciphertext)).toEqual(one);
        const hash = createHash("sha256").update(one).digest();
        const secrets = hkdfSync("sha256", hash, "aios/unguessable-content/v1", owner, 44);
        expect(Buffer.concat([made.contentKey, made.ciphertext.subarray(5, 17)])).toEqual(
          Buffer.from(secrets),
        );
        for (const other of [encryptUnguessable(two, owner), encryptUnguessable(one, stranger)]) {
          expect(other.contentKey).not.toEqual(made.contentKey);
          expect(other.ciphertext.subarray(5, 17)).not.toEqual(made.ciphertext.subarray(5, 17));
        }
      }),
      { numRuns: 50 },
    );
    expect(() => encryptUnguessable(new Uint8Array(16), "o".repeat(513))).toThrow("512");
  });

  it("refuses a change of any byte, any truncation, and another key", () => {
    const rng = new SeededRng(3);
    const key = generateContentKey(rng);
    const content = encryptContent(key, rng.bytes(40), rng);
    for (let index = 0; index < content.length; index++) {
      const altered = Uint8Array.from(content);
      altered[index] = (altered[index] as number) ^ 0x80;
      expect(() => decryptContent(key, altered)).toThrow(expect.objectContaining({ name: "CodedError" }));
      expect(() => decryptContent(key, content.subarray(0, index))).toThrow(
        expect.objectContaining({ name: "CodedError" }),
      );
    }
    expect(() => decryptContent(generateContentKey(rng), content)).toThrow(/does not decrypt/);
  });

  it("answers arbitrary bytes with a coded error", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        expect(() => decryptContent(new Uint8Array(32), bytes)).toThrow(
          expect.objectContaining({ code: "invalid-sealing" }),
        );
      }),
    );
  });

  it("refuses a key of the wrong length", () => {
    expect(() => encryptContent(new Uint8Array(16), new Uint8Array(1), new SeededRng(1))).toThrow(/32 bytes/);
  });

  it("still opens what version 1 encrypted", () => {
    const { contents } = readVectors();
    expect(contents.length).toBeGreaterThan(0);
    for (const vector of contents) {
      const opened = decryptContent(hexToBytes(vector.key), hexToBytes(vector.content));
      expect(bytesToHex(opened)).toBe(vector.plaintext);
    }
  });
});
