import { portableAead } from "@aios/core-sealing/aead";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nodeAead } from "./node-aead.js";

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });

describe("node aead", () => {
  it("gives the portable one's bytes, opens them, and refuses altered ones", () => {
    fc.assert(
      fc.property(
        bytes(32),
        bytes(12),
        fc.uint8Array({ maxLength: 20 }),
        fc.uint8Array({ maxLength: 200 }),
        (key, nonce, associated, plaintext) => {
          const sealed = nodeAead.seal(key, nonce, associated, plaintext);
          expect(sealed).toEqual(portableAead.seal(key, nonce, associated, plaintext));
          expect(nodeAead.open(key, nonce, associated, sealed)).toEqual(plaintext);
          sealed[0] = (sealed[0] as number) ^ 1;
          expect(() => nodeAead.open(key, nonce, associated, sealed)).toThrow();
        },
      ),
    );
  });
});
