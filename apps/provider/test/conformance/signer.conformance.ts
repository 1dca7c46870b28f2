import { signerOf, textSignerOf } from "@aios/core-settlement/signed-data";
import { signingDomain } from "@aios/core-settlement/typed-data";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Signer } from "../../src/domain/ports.js";

export interface SignerUnderTest {
  /** Opens the signer as a process does that has just started, on the same key each time. */
  load(): Promise<Signer>;
  close(): Promise<void>;
}

const DATA = {
  domain: signingDomain(31_337n, `0x${"e1".repeat(20)}`),
  types: { Lease: [{ name: "fencingToken", type: "uint64" }] },
  message: { fencingToken: "7" },
};
const hex = (bytes: Uint8Array): string => `0x${Buffer.from(bytes).toString("hex")}`;

/** What every `Signer` does. */
export function signerConformance(name: string, open: () => Promise<SignerUnderTest>): void {
  describe(`${name} as Signer`, () => {
    let subject: SignerUnderTest;
    beforeAll(async () => {
      subject = await open();
    });
    afterAll(() => subject?.close());

    it("signs texts (EIP-191) and typed data (EIP-712) as its own account", async () => {
      const signer = await subject.load();
      const [text, data] = [signer.signText("a text, and ümlauts"), signer.signTypedData(DATA)];
      for (const signature of [text, data]) expect(signature).toHaveLength(65);
      expect(textSignerOf("a text, and ümlauts", hex(text))).toBe(signer.address);
      expect(signerOf(DATA, hex(data))).toBe(signer.address);
      expect(textSignerOf("another text", hex(text))).not.toBe(signer.address);
      expect(signerOf({ ...DATA, message: { fencingToken: "8" } }, hex(data))).not.toBe(signer.address);
    });

    it("is the same account after a restart, and signs the same thing the same way", async () => {
      const [before, after] = [await subject.load(), await subject.load()];
      expect(after.address).toBe(before.address);
      expect(after.signText("once")).toEqual(before.signText("once"));
      expect(after.signTypedData(DATA)).toEqual(before.signTypedData(DATA));
    });
  });
}
