import { AbiCoder, keccak256 } from "ethers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeEvidence, encodeEvidence } from "./evidence.js";
import { BASE_FIELD_ORDER, type G1Point, type G2Point, type VerifyingKey } from "./points.js";
import { decodeProof, encodeProof } from "./proof-encoding.js";
import { decodeProvingKey, encodeProvingKey, provingKeyHash } from "./proving-key.js";
import { decodeVerifyingKey, encodeVerifyingKey, verifyingKeyHash } from "./verifying-key.js";

const g1 = (seed: bigint): G1Point => ({ x: seed, y: seed + 1n });
const g2 = (seed: bigint): G2Point => ({
  x: { real: seed, imaginary: seed + 1n },
  y: { real: seed + 2n, imaginary: seed + 3n },
});
const key: VerifyingKey = {
  alpha: g1(1n),
  beta: g2(10n),
  gamma: g2(20n),
  delta: g2(30n),
  ic: [g1(40n), g1(50n), g1(60n), g1(70n)],
};
const proof = { a: g1(80n), b: g2(90n), c: g1(100n) };

function words(bytes: Uint8Array): bigint[] {
  return Array.from({ length: bytes.length / 32 }, (_, index) =>
    BigInt(`0x${Buffer.from(bytes.subarray(index * 32, index * 32 + 32)).toString("hex")}`),
  );
}

describe("encodings", () => {
  it("lay words out as the pairing precompile reads them", () => {
    expect(words(encodeProof(proof))).toEqual([80n, 81n, 91n, 90n, 93n, 92n, 100n, 101n]);
    expect(words(encodeVerifyingKey(key)).slice(0, 8)).toEqual([1n, 2n, 11n, 10n, 13n, 12n, 21n, 20n]);
    expect(encodeVerifyingKey(key)).toHaveLength((14 + 8) * 32);
  });

  it("round-trip", () => {
    expect(decodeProof(encodeProof(proof))).toEqual(proof);
    expect(decodeVerifyingKey(encodeVerifyingKey(key))).toEqual(key);
  });

  it("hash the key as the contract does", () => {
    expect(`0x${Buffer.from(verifyingKeyHash(key)).toString("hex")}`).toBe(
      keccak256(encodeVerifyingKey(key)),
    );
  });

  it("refuse coordinates that are not canonical and wrong lengths", () => {
    const bytes = encodeProof({ ...proof, c: { x: BASE_FIELD_ORDER, y: 1n } });
    expect(() => decodeProof(bytes)).toThrow(expect.objectContaining({ code: "malformed-proof" }));
    for (const length of [0, 255, 257, 512])
      expect(() => decodeProof(new Uint8Array(length))).toThrow(
        expect.objectContaining({ code: "malformed-proof" }),
      );
    for (const length of [0, 14 * 32, 14 * 32 + 63, 15 * 32, (14 + 2 * 66) * 32, 1_000_000]) {
      expect(() => decodeVerifyingKey(new Uint8Array(length))).toThrow(
        expect.objectContaining({ code: "malformed-verifying-key" }),
      );
    }
  });
});

describe("evidence", () => {
  const evidence = { verifyingKey: encodeVerifyingKey(key), proof: encodeProof(proof) };

  it("is abi.encode(bytes, bytes)", () => {
    const expected = AbiCoder.defaultAbiCoder().encode(
      ["bytes", "bytes"],
      [evidence.verifyingKey, evidence.proof],
    );
    expect(`0x${Buffer.from(encodeEvidence(evidence)).toString("hex")}`).toBe(expected);
    expect(decodeEvidence(encodeEvidence(evidence))).toEqual(evidence);
  });

  it("takes one layout only, and refuses any other bytes with a coded error", () => {
    const bytes = encodeEvidence(evidence);
    for (const length of [0, 31, 127, bytes.length - 1]) {
      expect(() => decodeEvidence(bytes.subarray(0, length))).toThrow(
        expect.objectContaining({ code: "malformed-evidence" }),
      );
    }
    expect(() => decodeEvidence(Uint8Array.of(...bytes, 0))).toThrow(
      expect.objectContaining({ code: "malformed-evidence" }),
    );
    expect(() => decodeEvidence(new Uint8Array(1_000_000))).toThrow(
      expect.objectContaining({ code: "malformed-evidence" }),
    );
    fc.assert(
      fc.property(fc.nat(4 * 32 - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const forged = bytes.slice();
        const header = at < 96 ? at : bytes.length - 256 - 32 + (at - 96);
        forged[header] = (forged[header] as number) ^ change;
        expect(() => decodeEvidence(forged)).toThrow(expect.objectContaining({ code: "malformed-evidence" }));
      }),
    );
  });
});

describe("proving key file", () => {
  const file = {
    circuitDigest: new Uint8Array(32).fill(4),
    verifyingKey: key,
    points: Uint8Array.of(1, 2, 3),
  };
  const encoded = encodeProvingKey(file);

  it("round-trips when its hash is the pinned one", () => {
    expect(decodeProvingKey(encoded, provingKeyHash(encoded))).toEqual(file);
  });

  it("is refused before it is read when any byte changed", () => {
    for (let at = 0; at < encoded.length; at += 7) {
      const forged = encoded.slice();
      forged[at] = (forged[at] as number) ^ 1;
      expect(() => decodeProvingKey(forged, provingKeyHash(encoded))).toThrow(
        expect.objectContaining({ code: "proving-key-altered" }),
      );
    }
  });

  it("is refused when malformed under its own hash", () => {
    for (const bytes of [new Uint8Array(0), new Uint8Array(100), encoded.subarray(0, 60)]) {
      expect(() => decodeProvingKey(bytes, provingKeyHash(bytes))).toThrow(
        expect.objectContaining({ code: expect.stringMatching(/^malformed-/) }),
      );
    }
  });
});
