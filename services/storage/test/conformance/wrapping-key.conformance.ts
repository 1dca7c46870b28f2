import { sealKey } from "@aios/core-sealing/sealed-key";
import { SeededRng } from "@aios/kernel/random";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { WrappingKey } from "../../src/domain/ports.js";

export interface WrappingKeyUnderTest {
  /** Opens the key as a process does that has just started, on the same data each time. */
  load(): Promise<WrappingKey>;
  close(): Promise<void>;
}

const CONTEXT = "deposit:bafkexample";
const rng = new SeededRng(31);

/** What every `WrappingKey` does. */
export function wrappingKeyConformance(name: string, open: () => Promise<WrappingKeyUnderTest>): void {
  describe(`${name} as WrappingKey`, () => {
    let subject: WrappingKeyUnderTest;
    beforeAll(async () => {
      subject = await open();
    });
    afterAll(() => subject?.close());

    it("opens what is sealed to it, also after a restart, and stays the same key", async () => {
      const key = await subject.load();
      expect(key.publicKey).toHaveLength(32);
      const secret = rng.bytes(32);
      const sealed = sealKey(secret, key.publicKey, CONTEXT, rng);
      const again = await subject.load();
      expect(again.keyId).toBe(key.keyId);
      expect(again.publicKey).toEqual(key.publicKey);
      for (const each of [key, again]) expect(each.open(sealed, CONTEXT)).toEqual(secret);
    });

    it("opens nothing that was sealed for another context, to another key, or changed on the way", async () => {
      const key = await subject.load();
      const sealed = sealKey(rng.bytes(32), key.publicKey, CONTEXT, rng);
      const foreign = sealKey(rng.bytes(32), sealed.ephemeralPublicKey, CONTEXT, rng);
      const changed = {
        ...sealed,
        ciphertext: sealed.ciphertext.map((byte, at) => byte ^ (at === 7 ? 1 : 0)),
      };
      const refused = expect.objectContaining({ code: "seal-not-opened" }) as Error;
      expect(() => key.open(sealed, "release:bafkexample")).toThrow(refused);
      expect(() => key.open(foreign, CONTEXT)).toThrow(refused);
      expect(() => key.open(changed, CONTEXT)).toThrow(refused);
    });
  });
}
