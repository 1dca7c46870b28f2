import { bls12_381 } from "@noble/curves/bls12-381.js";
import { describe, expect, it } from "vitest";
import { blsPublicKey, blsSign, blsSignatures, provePossession, verifyPossession } from "./bls-signatures.js";
import { makeCertificate, verifyCertificate } from "./certificate.js";
import { type Checkpoint, checkpointId } from "./checkpoint.js";
import { signedBytes } from "./messages.js";

/**
 * A whitepaper's committee: one key PK = Σ PKᵢ, "where n of t validators must collaborate". The sum asks for all of them and
 * nothing of less, and whoever names its key last owns the sum. What is used instead: keys whose possession is proven, and a
 * quorum that is counted.
 */
const { Point } = bls12_381.G1;
const { Fr } = bls12_381.fields;
const secrets = [1, 2, 3, 4].map((byte) => new Uint8Array(32).fill(byte));
const publicKeys = secrets.map(blsPublicKey);
const scalar = (secret: Uint8Array): bigint => BigInt(`0x${Buffer.from(secret).toString("hex")}`);
const pointOf = (key: Uint8Array) => Point.fromBytes(key);
const sumOf = (keys: readonly Uint8Array[]) => keys.map(pointOf).reduce((sum, point) => sum.add(point));

describe("a committee's key as the sum of its members' keys", () => {
  /** ElGamal under the sum: what all members' secrets together open. */
  const message = Point.BASE.multiply(4_242n);
  const encrypt = (key: ReturnType<typeof sumOf>, randomness: bigint) => ({
    hint: Point.BASE.multiply(randomness),
    body: message.add(key.multiply(randomness)),
  });
  const openedBy = ({ hint, body }: ReturnType<typeof encrypt>, shares: readonly bigint[]) =>
    body.subtract(hint.multiply(shares.reduce((sum, share) => Fr.add(sum, share))));

  it("opens nothing when one member of any number is away: it is all of t, never n of t", () => {
    const sealed = encrypt(sumOf(publicKeys), 77n);
    const shares = secrets.map(scalar);
    expect(openedBy(sealed, shares).equals(message)).toBe(true);
    for (let absent = 0; absent < shares.length; absent++)
      expect(
        openedBy(
          sealed,
          shares.filter((_, index) => index !== absent),
        ).equals(message),
      ).toBe(false);
  });

  it("belongs to whoever names its key last: it opens everything alone", () => {
    const own = 99n;
    const rogue = Point.BASE.multiply(own)
      .subtract(sumOf(publicKeys.slice(0, 3)))
      .toBytes();
    const sealed = encrypt(sumOf([...publicKeys.slice(0, 3), rogue]), 77n);
    expect(openedBy(sealed, [own]).equals(message)).toBe(true);
  });
});

describe("a set of keys whose possession is proven", () => {
  const checkpoint: Checkpoint = {
    height: 5,
    parentId: "p",
    parentRound: 0,
    tip: "t",
    tick: 7,
    attestedRoot: "r",
    nextSetId: "s",
  };
  const id = checkpointId(checkpoint);
  const bytesOf = (sender: number): Uint8Array =>
    signedBytes("test", { kind: "precommit", height: 5, round: 1, checkpointId: id, sender });

  it("does not take the key that would own the sum: nobody can show its secret", () => {
    const own = new Uint8Array(32).fill(0x5a);
    const rogue = pointOf(blsPublicKey(own))
      .subtract(sumOf(publicKeys.slice(0, 3)))
      .toBytes();
    // Without the proof one signature would stand for all four: the attack is real.
    const forged = blsSign(own, new TextEncoder().encode("all four agree"));
    const statement = new TextEncoder().encode("all four agree");
    expect(blsSignatures.verifyAggregate([...publicKeys.slice(0, 3), rogue], statement, forged)).toBe(true);
    for (const proof of [provePossession(own), ...secrets.map((secret) => provePossession(secret))])
      expect(verifyPossession(rogue, proof)).toBe(false);
  });

  it("decides with a quorum while a member is away, and with no fewer", () => {
    const keys = { chainId: "test", publicKeys };
    const votes = [0, 1, 3].map((sender) => ({
      sender,
      signature: blsSign(secrets[sender] as Uint8Array, bytesOf(sender)),
    }));
    const certificate = makeCertificate(blsSignatures, keys, checkpoint, 1, votes);
    expect(() => verifyCertificate(blsSignatures, keys, certificate)).not.toThrow();
    expect(() => makeCertificate(blsSignatures, keys, checkpoint, 1, votes.slice(1))).toThrow(
      expect.objectContaining({ code: "invalid-certificate" }),
    );
  });
});
