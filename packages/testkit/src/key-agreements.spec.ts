import { type KeyAgreement, portableKeyAgreement } from "@aios/core-sealing/key-agreement";
import { generateSealingKeyPair, openKey, sealKey } from "@aios/core-sealing/sealed-key";
import { SeededRng } from "@aios/kernel/random";
import { systemKeyAgreement } from "@aios/service-kit/system-key-agreement";
import { describe, expect, it } from "vitest";

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, "hex"));

/** RFC 7748, section 6.1. */
const ALICE = {
  privateKey: bytes("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"),
  publicKey: bytes("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"),
};
const BOB = {
  privateKey: bytes("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"),
  publicKey: bytes("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"),
};
const SECRET = bytes("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");

/** All points of low order, in both forms where they have two. */
const LOW_ORDER = [
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
  "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
].map(bytes);

/** With the bit that RFC 7748 has receivers ignore. */
function withTopBit(publicKey: Uint8Array): Uint8Array {
  return publicKey.map((byte, at) => (at === 31 ? byte | 0x80 : byte));
}

describe.each<readonly [string, KeyAgreement]>([
  ["portableKeyAgreement", portableKeyAgreement],
  ["systemKeyAgreement", systemKeyAgreement],
])("%s as KeyAgreement", (_name, agreement) => {
  it("gives the keys and the secret of RFC 7748, whoever asks", () => {
    expect(agreement.publicKey(ALICE.privateKey)).toEqual(ALICE.publicKey);
    expect(agreement.publicKey(BOB.privateKey)).toEqual(BOB.publicKey);
    expect(agreement.sharedSecret(ALICE.privateKey, BOB.publicKey)).toEqual(SECRET);
    expect(agreement.sharedSecret(BOB.privateKey, withTopBit(ALICE.publicKey))).toEqual(SECRET);
  });

  it("leaves the private key as it was", () => {
    const privateKey = Uint8Array.from(ALICE.privateKey);
    agreement.publicKey(privateKey);
    agreement.sharedSecret(privateKey, BOB.publicKey);
    expect(privateKey).toEqual(ALICE.privateKey);
  });

  it.each(LOW_ORDER)("shares no secret with a point of low order (%#)", (point) => {
    expect(() => agreement.sharedSecret(ALICE.privateKey, point)).toThrow();
    expect(() => agreement.sharedSecret(ALICE.privateKey, withTopBit(point))).toThrow();
  });

  it("seals and opens as the other one does", () => {
    const rng = new SeededRng(5);
    for (let round = 0; round < 20; round++) {
      const [key, pair] = [rng.bytes(32), generateSealingKeyPair(rng, agreement)];
      const own = sealKey(key, pair.publicKey, "release:bafy", rng, agreement);
      const others = sealKey(key, pair.publicKey, "release:bafy", rng);
      expect(openKey(own, pair.privateKey, "release:bafy")).toEqual(key);
      expect(openKey(others, pair.privateKey, "release:bafy", agreement)).toEqual(key);
      expect(() => openKey(others, pair.privateKey, "release:other", agreement)).toThrow(/does not open/);
    }
  });

  it("is refused by name where it shares no secret", () => {
    const rng = new SeededRng(6);
    const sealed = sealKey(rng.bytes(32), BOB.publicKey, "c", rng, agreement);
    for (const point of LOW_ORDER) {
      expect(() => sealKey(rng.bytes(32), point, "c", rng, agreement)).toThrow(
        expect.objectContaining({ code: "invalid-sealing" }),
      );
      expect(() => openKey({ ...sealed, ephemeralPublicKey: point }, BOB.privateKey, "c", agreement)).toThrow(
        expect.objectContaining({ code: "seal-not-opened" }),
      );
    }
  });
});
