import type { BlsSignatures } from "@aios/core-finality/signature-scheme";
import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

// ethereum/bls12-381-tests v0.1.2: secret keys, and `sign` of messages of one repeated byte.
const SECRETS = [
  "263dbd792f5b1be47ed85f8938c0f29586af0d3ac7b977f21c278fe1462040e3",
  "47b8192d77bf871b62e87859d653922725724a5c031afeabc60bcef5ff665138",
  "328388aff0d4a5b7dc9205abd374e7e98f3cd9f3418edb4eafda5fb16473d216",
].map((hex) => hexToBytes(hex));
const PUBLIC_KEYS = [
  "a491d1b0ecd9bb917989f0e74f0dea0422eac4a873e5e2644f368dffb9a6e20fd6e10c1b77654d067c0618f6e5a7f79a",
  "b301803f8b5ac4a1133581fc676dfedc60d891dd5fa99028805e5ea5b08d3491af75d0707adab3b70c6a6a580217bf81",
  "b53d21a4cfd562c469cc81514d4ce5a6b577d8403d32a394dc265dd190b47fa9f829fdd7963afdf972e5e77854051f6f",
].map((hex) => hexToBytes(hex));
const SIGNED: readonly [secret: number, byte: number, signature: string][] = [
  [
    0,
    0x00,
    "b6ed936746e01f8ecf281f020953fbf1f01debd5657c4a383940b020b26507f6076334f91e2366c96e9ab279fb5158090352ea1c5b0c9274504f4f0e7053af24802e51e4568d164fe986834f41e55c8e850ce1f98458c0cfc9ab380b55285a55",
  ],
  [
    0,
    0x56,
    "882730e5d03f6b42c3abc26d3372625034e1d871b65a8a6b900a56dae22da98abbe1b68f85e49fe7652a55ec3d0591c20767677e33e5cbb1207315c41a9ac03be39c2e7668edc043d6cb1d9fd93033caa8a1c5b0e84bedaeb6c64972503a43eb",
  ],
  [
    1,
    0x00,
    "b23c46be3a001c63ca711f87a005c200cc550b9429d5f4eb38d74322144f1b63926da3388979e5321012fb1a0526bcd100b5ef5fe72628ce4cd5e904aeaa3279527843fae5ca9ca675f4f51ed8f83bbf7155da9ecc9663100a885d5dc6df96d9",
  ],
  [
    1,
    0x56,
    "af1390c3c47acdb37131a51216da683c509fce0e954328a59f93aebda7e4ff974ba208d9a4a2a2389f892a9d418d618418dd7f7a6bc7aa0da999a9d3a5b815bc085e14fd001f6a1948768a3f4afefc8b8240dda329f984cb345c6363272ba4fe",
  ],
  [
    2,
    0x56,
    "a4efa926610b8bd1c8330c918b7a5e9bf374e53435ef8b7ec186abf62e1b1f65aeaaeb365677ac1d1172a1f5b44b4e6d022c252c58486c0a759fbdc7de15a756acc4d343064035667a594b4c2a6f0b0b421975977f297dba63ee2f63ffe47bb6",
  ],
  [
    2,
    0xab,
    "ae82747ddeefe4fd64cf9cedb9b04ae3e8a43420cd255e3c7cd06a8d88b7c7f8638543719981c5d16fa3527c468c25f0026704a6951bde891360c7e8d12ddee0559004ccdbe6046b55bae1b257ee97f7cdb955773d7cf29adf3ccbb9975e4eb9",
  ],
];
const IDENTITY_G1 = Uint8Array.of(0xc0, ...new Uint8Array(47));
const IDENTITY_G2 = Uint8Array.of(0xc0, ...new Uint8Array(95));
const filled = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);

/** What every implementation of `BlsSignatures` must do; `peer` is another one, with which it has to agree. */
export function blsConformance(name: string, bls: BlsSignatures, peer: BlsSignatures): void {
  const message = filled(0x56);
  const signatures = SECRETS.map((secret) => bls.sign(secret, message));
  const signature = bls.aggregate(signatures);

  describe(`${name} as BlsSignatures`, () => {
    it("derives the published public keys and makes the published signatures", () => {
      expect(SECRETS.map((secret) => bytesToHex(bls.publicKey(secret)))).toEqual(PUBLIC_KEYS.map(bytesToHex));
      for (const [secret, byte, expected] of SIGNED) {
        expect(bytesToHex(bls.sign(SECRETS[secret] as Uint8Array, filled(byte)))).toBe(expected);
        expect(bls.verify(PUBLIC_KEYS[secret] as Uint8Array, filled(byte), hexToBytes(expected))).toBe(true);
      }
    });

    it("verifies an aggregate by exactly its signers", () => {
      expect(bls.verifyAggregate(PUBLIC_KEYS, message, signature)).toBe(true);
      expect(bls.verifyAggregate([...PUBLIC_KEYS].reverse(), message, signature)).toBe(true);
      expect(bls.verifyAggregate(PUBLIC_KEYS.slice(1), message, signature)).toBe(false);
      expect(bls.verifyAggregate([...PUBLIC_KEYS, PUBLIC_KEYS[0] as Uint8Array], message, signature)).toBe(
        false,
      );
      expect(bls.verifyAggregate(PUBLIC_KEYS, filled(0x57), signature)).toBe(false);
      expect(bls.verifyAggregate([], message, IDENTITY_G2)).toBe(false);
    });

    it("refuses the identity, points off the curve or of another subgroup, and other lengths", () => {
      const key = PUBLIC_KEYS[0] as Uint8Array;
      const own = signatures[0] as Uint8Array;
      expect(bls.verify(IDENTITY_G1, message, IDENTITY_G2)).toBe(false);
      expect(bls.verifyAggregate([IDENTITY_G1], message, IDENTITY_G2)).toBe(false);
      expect(bls.verifyAggregate([key, IDENTITY_G1], message, own)).toBe(false);
      // x = 4 is on the curve of G1 and outside the subgroup of prime order; x = 3 is not on the curve.
      const g1 = (x: number): Uint8Array => Uint8Array.of(0x80, ...new Uint8Array(46), x);
      for (const bad of [
        g1(4),
        g1(3),
        new Uint8Array(48),
        new Uint8Array(0),
        key.slice(1),
        Uint8Array.of(...key, 0),
      ]) {
        expect(bls.verify(bad, message, own)).toBe(false);
        expect(bls.verifyAggregate([key, bad], message, own)).toBe(false);
      }
      for (const bad of [new Uint8Array(96), new Uint8Array(0), own.slice(1), Uint8Array.of(...own, 0)]) {
        expect(bls.verify(key, message, bad)).toBe(false);
        expect(() => bls.aggregate([own, bad])).toThrow(
          expect.objectContaining({ code: "invalid-signature" }),
        );
      }
      expect(() => bls.aggregate([])).toThrow(expect.objectContaining({ code: "invalid-signature" }));
    });

    it("refuses secrets outside the group", () => {
      for (const bad of [new Uint8Array(32), filled(0xff), new Uint8Array(31)])
        expect(() => bls.publicKey(bad)).toThrow(expect.objectContaining({ code: "invalid-secret-key" }));
    });

    it("agrees with the other implementation on any message and any damaged signature", () => {
      const secret = SECRETS[1] as Uint8Array;
      const key = PUBLIC_KEYS[1] as Uint8Array;
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat({ max: 767 }), (any, bit) => {
          const signed = bls.sign(secret, any);
          expect(bytesToHex(signed)).toBe(bytesToHex(peer.sign(secret, any)));
          expect(bls.verify(key, any, signed)).toBe(true);
          const damaged = signed.slice();
          damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
          expect(bls.verify(key, any, damaged)).toBe(false);
        }),
        { numRuns: 8 },
      );
    });
  });
}
