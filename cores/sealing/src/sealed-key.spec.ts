import { createDecipheriv, createPrivateKey, createPublicKey, diffieHellman, hkdfSync } from "node:crypto";
import { SeededRng } from "@aios/kernel/random";
import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readVectors } from "../test/read-vectors.js";
import { generateSealingKeyPair, openKey, type SealedKey, sealingPublicKey, sealKey } from "./sealed-key.js";
import { sealedKeyFromJson, sealedKeyToJson } from "./sealed-key-json.js";

const seeds = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const contentKeys = fc.uint8Array({ minLength: 32, maxLength: 32 });
const contexts = fc.string({ minLength: 1, maxLength: 80, unit: "grapheme-ascii" });

/** An independent implementation: Node's own X25519, HKDF and AES-GCM. */
function openWithNode(sealed: SealedKey, privateKey: Uint8Array, context: string): Uint8Array {
  const recipient = createPrivateKey({
    key: Buffer.concat([Buffer.from("302e020100300506032b656e04220420", "hex"), privateKey]),
    format: "der",
    type: "pkcs8",
  });
  const ephemeral = createPublicKey({
    key: Buffer.concat([Buffer.from("302a300506032b656e032100", "hex"), sealed.ephemeralPublicKey]),
    format: "der",
    type: "spki",
  });
  const shared = diffieHellman({ privateKey: recipient, publicKey: ephemeral });
  const recipientPublic = createPublicKey(recipient).export({ format: "der", type: "spki" }).subarray(-32);
  const salt = Buffer.concat([sealed.ephemeralPublicKey, recipientPublic]);
  const info = Buffer.from(`aios/sealed-key/v1\0${context}`);
  const decipher = createDecipheriv(
    "aes-256-gcm",
    Buffer.from(hkdfSync("sha256", shared, salt, info, 32)),
    sealed.nonce,
  );
  decipher.setAAD(Buffer.from(context));
  decipher.setAuthTag(sealed.ciphertext.subarray(32));
  return Buffer.concat([decipher.update(sealed.ciphertext.subarray(0, 32)), decipher.final()]);
}

describe("sealed key", () => {
  it("opens for its recipient and context, here and with Node's own primitives", () => {
    fc.assert(
      fc.property(seeds, contentKeys, contexts, (seed, contentKey, context) => {
        const rng = new SeededRng(seed);
        const pair = generateSealingKeyPair(rng);
        const sealed = sealKey(contentKey, pair.publicKey, context, rng);
        expect(openKey(sealed, pair.privateKey, context)).toEqual(contentKey);
        expect(Uint8Array.from(openWithNode(sealed, pair.privateKey, context))).toEqual(contentKey);
      }),
      { numRuns: 30 },
    );
  });

  it("does not open for another recipient or context", () => {
    fc.assert(
      fc.property(seeds, contentKeys, contexts, contexts, (seed, contentKey, context, other) => {
        fc.pre(context !== other);
        const rng = new SeededRng(seed);
        const pair = generateSealingKeyPair(rng);
        const stranger = generateSealingKeyPair(rng);
        const sealed = sealKey(contentKey, pair.publicKey, context, rng);
        expect(() => openKey(sealed, stranger.privateKey, context)).toThrow(/does not open/);
        expect(() => openKey(sealed, pair.privateKey, other)).toThrow(/does not open/);
      }),
      { numRuns: 30 },
    );
  });

  it("does not open after a change of any byte", () => {
    const rng = new SeededRng(7);
    const pair = generateSealingKeyPair(rng);
    const sealed = sealKey(rng.bytes(32), pair.publicKey, "release:bafy", rng);
    for (const field of ["ephemeralPublicKey", "nonce", "ciphertext"] as const) {
      for (let index = 0; index < sealed[field].length; index++) {
        const altered = Uint8Array.from(sealed[field]);
        altered[index] = (altered[index] as number) ^ 1;
        expect(() => openKey({ ...sealed, [field]: altered }, pair.privateKey, "release:bafy")).toThrow(
          /does not open/,
        );
      }
    }
  });

  it("refuses wrong lengths, an empty context and low-order points", () => {
    const rng = new SeededRng(1);
    const pair = generateSealingKeyPair(rng);
    const key = rng.bytes(32);
    expect(() => sealKey(key.subarray(1), pair.publicKey, "c", rng)).toThrow(/contentKey must be 32 bytes/);
    expect(() => sealKey(key, pair.publicKey.subarray(1), "c", rng)).toThrow(
      /recipientPublicKey must be 32 bytes/,
    );
    expect(() => sealKey(key, pair.publicKey, "", rng)).toThrow(/context/);
    expect(() => sealKey(key, pair.publicKey, "x".repeat(513), rng)).toThrow(/context/);
    expect(() => sealKey(key, new Uint8Array(32), "c", rng)).toThrow(/large subgroup/);
    const sealed = sealKey(key, pair.publicKey, "c", rng);
    expect(() =>
      openKey({ ...sealed, ephemeralPublicKey: new Uint8Array(32) }, pair.privateKey, "c"),
    ).toThrow(/does not open/);
    expect(() => openKey({ ...sealed, nonce: sealed.nonce.subarray(1) }, pair.privateKey, "c")).toThrow(
      /nonce/,
    );
  });

  it("agrees with RFC 7748, section 5.2 (first iteration)", () => {
    const nine = new Uint8Array(32);
    nine[0] = 9;
    expect(bytesToHex(sealingPublicKey(nine))).toBe(
      "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079",
    );
  });

  it("still opens what version 1 sealed", () => {
    const { sealedKeys } = readVectors();
    expect(sealedKeys.length).toBeGreaterThan(0);
    for (const vector of sealedKeys) {
      const opened = openKey(
        sealedKeyFromJson(JSON.stringify(vector.sealed)),
        hexToBytes(vector.privateKey),
        vector.context,
      );
      expect(bytesToHex(opened)).toBe(vector.contentKey);
    }
  });
});

describe("sealed key as JSON", () => {
  it("round-trips", () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const rng = new SeededRng(seed);
        const sealed = sealKey(rng.bytes(32), generateSealingKeyPair(rng).publicKey, "output:0x", rng);
        expect(sealedKeyFromJson(sealedKeyToJson(sealed))).toEqual(sealed);
      }),
      { numRuns: 20 },
    );
  });

  it("answers anything else with invalid-sealing", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(() => sealedKeyFromJson(text)).toThrow(expect.objectContaining({ code: "invalid-sealing" }));
      }),
    );
  });
});
