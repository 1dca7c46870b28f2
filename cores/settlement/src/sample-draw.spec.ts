import { keccak256 } from "ethers";
import fc from "fast-check";
import { expect, it } from "vitest";
import { drawCommitment, drawNote, isDrawn, parseDrawNote } from "./sample-draw.js";

const word = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((bytes) => `0x${Buffer.from(bytes).toString("hex")}`);
const share = fc.nat({ max: 10_000 });

it("draws all of a whole share, none of an empty one, and more of a larger one than of a smaller", () => {
  fc.assert(
    fc.property(word, word, word, share, share, (id, blockHash, secret, a, b) => {
      const drawn = (shareBps: number) => isDrawn(id, { blockHash, secret, shareBps });
      expect(drawn(10_000)).toBe(true);
      expect(drawn(0)).toBe(false);
      if (drawn(Math.min(a, b))) expect(drawn(Math.max(a, b))).toBe(true);
    }),
  );
});

it("draws about its share, whether blocks or secrets differ: one known alone tells nothing", () => {
  const fixed = `0x${"5a".repeat(32)}`;
  const numbers = Array.from({ length: 10_000 }, (_, index) => `0x${index.toString(16).padStart(64, "0")}`);
  for (const facts of [
    (one: string) => ({ blockHash: one, secret: fixed }),
    (one: string) => ({ blockHash: fixed, secret: one }),
  ]) {
    const drawn = numbers.filter((one) => isDrawn(fixed, { ...facts(one), shareBps: 1_000 }));
    // Five standard deviations of a binomial of 10,000 and 0.1.
    expect(Math.abs(drawn.length - 1_000)).toBeLessThan(150);
  }
});

it("is committed to by the hash of its secret, and told in one line", () => {
  fc.assert(
    fc.property(word, word, share, (blockHash, secret, shareBps) => {
      expect(drawCommitment(secret)).toBe(BigInt(keccak256(secret)));
      expect(parseDrawNote(drawNote({ blockHash, secret, shareBps }))).toEqual({
        blockHash,
        secret,
        shareBps,
      });
      expect(parseDrawNote(blockHash)).toBeUndefined();
    }),
  );
});
