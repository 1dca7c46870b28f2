import { bigintToBytes, toHex } from "@aios/core-rlp/hex";
import { encodeRlp } from "@aios/core-rlp/rlp";
import { MerklePatriciaTrie as ReferenceTrie } from "@ethereumjs/mpt";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EMPTY_TRIE_ROOT } from "./empty-hashes.js";
import { MerklePatriciaTrie } from "./merkle-patricia-trie.js";
import { orderedTrieRoot } from "./ordered-trie.js";

const keyOf = (index: number): Uint8Array => encodeRlp(bigintToBytes(BigInt(index)));

function insertedRoot(values: readonly Uint8Array[]): string {
  const trie = new MerklePatriciaTrie(EMPTY_TRIE_ROOT, () => undefined);
  for (const [index, value] of values.entries()) trie.put(keyOf(index), value);
  return trie.commit(() => {});
}

describe("orderedTrieRoot", () => {
  it("is that of @ethereumjs/mpt", async () => {
    const values = Array.from({ length: 300 }, (_, i) => new Uint8Array(1 + (i % 50)).fill(i));
    const reference = new ReferenceTrie();
    for (const [index, value] of values.entries()) await reference.put(keyOf(index), value);
    expect(orderedTrieRoot(values)).toBe(toHex(reference.root()));
  });

  it("is that of the entries put one by one, for every number of them and values of any length", () => {
    expect(orderedTrieRoot([])).toBe(EMPTY_TRIE_ROOT);
    const lengths = fc.array(fc.nat(70), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 700 }), lengths, (count, sizes) => {
        const values = Array.from({ length: count }, (_, i) =>
          new Uint8Array(1 + (sizes[i % sizes.length] as number)).fill(i & 255),
        );
        expect(orderedTrieRoot(values)).toBe(insertedRoot(values));
      }),
      { examples: [1, 2, 127, 128, 129, 255, 256, 257].map((count) => [count, [0]]) },
    );
  });

  it("is that of the entries put one by one, beyond two and three bytes of index and for long values", () => {
    const many = Array.from({ length: 65_600 }, (_, i) => Uint8Array.of(i >> 8, i & 255, 1));
    expect(orderedTrieRoot(many)).toBe(insertedRoot(many));
    const long = [1, 55, 56, 300, 70_000, 2].map((length) => new Uint8Array(length).fill(length & 127));
    expect(orderedTrieRoot(long)).toBe(insertedRoot(long));
  });
});
