import { describe, expect, it } from "vitest";
import { generateNodeKeyPem, isSignedByNode, nodeIdentity, signWithNodeKey } from "./node-certificate.js";

describe("a node key", () => {
  it("signs statements that hold for it and them alone", () => {
    const [one, other] = [nodeIdentity(generateNodeKeyPem()), nodeIdentity(generateNodeKeyPem())];
    const statement = Buffer.from("aios-node-key: me");
    const signature = signWithNodeKey(one, statement);
    expect(signature).toHaveLength(64);
    expect(isSignedByNode(one.publicKey, statement, signature)).toBe(true);
    expect(isSignedByNode(other.publicKey, statement, signature)).toBe(false);
    expect(isSignedByNode(one.publicKey, Buffer.from("aios-node-key: you"), signature)).toBe(false);
    for (const noKey of ["", "00", "zz".repeat(32), "ff".repeat(32)])
      expect(isSignedByNode(noKey, statement, signature)).toBe(false);
    expect(isSignedByNode(one.publicKey, statement, new Uint8Array(3))).toBe(false);
  });
});
