import { describe, expect, it } from "vitest";
import { blsPublicKey, blsSign, blsSignatures, provePossession, verifyPossession } from "./bls-signatures.js";
import { makeCertificate, verifyCertificate } from "./certificate.js";
import { type Checkpoint, checkpointId } from "./checkpoint.js";
import { type Evidence, type SignedMessage, verifyEvidence } from "./evidence.js";
import { type FinalityMessage, signedBytes } from "./messages.js";

const secrets = [1, 2, 3, 4].map((byte) => new Uint8Array(32).fill(byte));
const keys = { chainId: "test", publicKeys: secrets.map(blsPublicKey) };
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

function sign(message: FinalityMessage, signer = message.sender): SignedMessage {
  return { message, signature: blsSign(secrets[signer] as Uint8Array, signedBytes("test", message)) };
}
const vote = (sender: number, round = 1, value: string | undefined = id): FinalityMessage => ({
  kind: "precommit",
  height: 5,
  round,
  checkpointId: value,
  sender,
});
const precommits = [0, 1, 3].map((sender) => ({ sender, signature: sign(vote(sender)).signature }));

describe("certificates", () => {
  const certificate = makeCertificate(blsSignatures, keys, checkpoint, 1, precommits);

  it("carry one signature and a bitmap", () => {
    expect(certificate.signers).toEqual(Uint8Array.of(0b1011));
    expect(certificate.signature).toHaveLength(96);
    expect(() => verifyCertificate(blsSignatures, keys, certificate)).not.toThrow();
  });

  it("are refused when anything is changed", () => {
    const fakes = [
      { ...certificate, round: 2 },
      { ...certificate, height: 6 },
      { ...certificate, checkpointId: "other" },
      { ...certificate, signers: Uint8Array.of(0b1111) },
      { ...certificate, signature: new Uint8Array(96) },
    ];
    for (const fake of fakes)
      expect(() => verifyCertificate(blsSignatures, keys, fake)).toThrow(
        expect.objectContaining({ code: "invalid-certificate", field: "signature" }),
      );
    for (const signers of [Uint8Array.of(0b0011), Uint8Array.of(0b11011), Uint8Array.of(0b1011, 0)])
      expect(() => verifyCertificate(blsSignatures, keys, { ...certificate, signers })).toThrow(
        expect.objectContaining({ code: "invalid-certificate", field: "signers" }),
      );
    expect(() => verifyCertificate(blsSignatures, { ...keys, chainId: "other" }, certificate)).toThrow();
  });

  it("need a quorum of different members", () => {
    const [first, second, third] = precommits as [
      (typeof precommits)[0],
      (typeof precommits)[0],
      (typeof precommits)[0],
    ];
    for (const wrong of [
      [first, second],
      [first, second, second],
      [first, second, { ...third, sender: 4 }],
    ])
      expect(() => makeCertificate(blsSignatures, keys, checkpoint, 1, wrong)).toThrow(
        expect.objectContaining({ code: "invalid-certificate", field: "signers" }),
      );
  });
});

describe("proof of possession", () => {
  it("holds for its own key only, and is no vote", () => {
    const [key, other] = keys.publicKeys as [Uint8Array, Uint8Array];
    const proof = provePossession(secrets[0] as Uint8Array);
    expect(verifyPossession(key, proof)).toBe(true);
    expect(verifyPossession(other, proof)).toBe(false);
    expect(verifyPossession(key, blsSign(secrets[0] as Uint8Array, key))).toBe(false);
    expect(verifyPossession(new Uint8Array(48), proof)).toBe(false);
    const here = new TextEncoder().encode("here");
    const bound = provePossession(secrets[0] as Uint8Array, here);
    expect(verifyPossession(key, bound, here)).toBe(true);
    expect(verifyPossession(key, bound)).toBe(false);
    expect(verifyPossession(key, proof, here)).toBe(false);
  });
});

describe("evidence", () => {
  const verify = (evidence: Evidence): number =>
    verifyEvidence(blsSignatures, "test", keys.publicKeys, evidence);
  const proposal = (tip: string): FinalityMessage => ({
    kind: "proposal",
    height: 5,
    round: 1,
    checkpoint: { ...checkpoint, tip },
    validRound: -1,
    sender: 2,
  });

  it("convicts whoever votes or proposes twice", () => {
    expect(verify({ kind: "double-message", first: sign(vote(2)), second: sign(vote(2, 1, "other")) })).toBe(
      2,
    );
    const [first, second] = [sign(proposal("a")), sign(proposal("b"))];
    expect(verify({ kind: "double-message", first, second })).toBe(2);
  });

  it("convicts whoever makes two blocks in a tick", () => {
    const claim = (blockId: string, tick: number) => {
      const bytes = new TextEncoder().encode(`${blockId}/${tick}`);
      return { maker: 1, tick, blockId, bytes, signature: blsSign(secrets[1] as Uint8Array, bytes) };
    };
    expect(verify({ kind: "double-block", first: claim("a", 7), second: claim("b", 7) })).toBe(1);
    for (const second of [claim("b", 8), claim("a", 7), { ...claim("b", 7), maker: 0 }])
      expect(() => verify({ kind: "double-block", first: claim("a", 7), second })).toThrow(
        expect.objectContaining({ code: "invalid-evidence" }),
      );
  });

  it("does not convict for what is allowed or was not signed", () => {
    const first = sign(vote(2));
    for (const second of [first, sign(vote(2, 2)), sign(vote(1)), sign(vote(2, 1, "other"), 1)])
      expect(() => verify({ kind: "double-message", first, second })).toThrow(
        expect.objectContaining({ code: "invalid-evidence" }),
      );
  });
});
