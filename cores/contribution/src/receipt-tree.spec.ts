import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hashPair, isIncluded, receiptLeaf, receiptTree } from "./receipt-tree.js";

const digest = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((bytes) => `0x${Buffer.from(bytes).toString("hex")}`);
const digests = fc.uniqueArray(digest, { minLength: 1, maxLength: 40 });

describe("receipt tree", () => {
  it("proves every receipt of it and no other", () => {
    fc.assert(
      fc.property(digests, digest, (batch, stranger) => {
        fc.pre(!batch.includes(stranger));
        const tree = receiptTree(batch);
        for (const one of batch) {
          const { siblings, leafIndex } = tree.proofOf(one);
          expect(isIncluded(tree.root, one, siblings)).toBe(true);
          expect(isIncluded(tree.root, stranger, siblings)).toBe(false);
          expect(tree.leaves[leafIndex]).toBe(receiptLeaf(one));
        }
        expect(() => tree.proofOf(stranger)).toThrowError(
          expect.objectContaining({ code: "receipt-not-in-tree" }),
        );
      }),
      { numRuns: 40 },
    );
  });

  it("does not depend on the order of the receipts", () => {
    fc.assert(
      fc.property(digests, (batch) => {
        expect(receiptTree([...batch].reverse()).root).toBe(receiptTree(batch).root);
      }),
      { numRuns: 30 },
    );
  });

  it("does not take an inner node for a receipt", () => {
    const tree = receiptTree([`0x${"11".repeat(32)}`, `0x${"22".repeat(32)}`]);
    expect(isIncluded(tree.root, tree.root, [])).toBe(false);
    expect(tree.root).toBe(hashPair(tree.leaves[0] ?? "", tree.leaves[1] ?? ""));
  });

  it("refuses nothing and the same twice", () => {
    const one = `0x${"11".repeat(32)}`;
    expect(() => receiptTree([])).toThrowError(expect.objectContaining({ code: "empty-tree" }));
    expect(() => receiptTree([one, one])).toThrowError(
      expect.objectContaining({ code: "duplicate-receipt" }),
    );
  });
});
