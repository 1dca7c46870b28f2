import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EMPTY_TRIE_ROOT } from "./empty-hashes.js";
import { MerklePatriciaTrie } from "./merkle-patricia-trie.js";
import { sortedTrieRoot } from "./sorted-trie.js";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

describe("a trie built of sorted entries", () => {
  it("has the root and the nodes of one that they were put into", () => {
    // Few different bytes, so that keys share long beginnings and small nodes are embedded.
    const key = fc.array(fc.constantFrom(0, 1, 16, 17, 255), { minLength: 4, maxLength: 4 });
    const value = fc.uint8Array({ minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(key, value), { selector: ([one]) => one.join(), maxLength: 60 }),
        (all) => {
          const sorted = all
            .map(([bytes, content]) => ({ key: Uint8Array.from(bytes), value: content }))
            .sort((a, b) => Buffer.compare(a.key, b.key));
          const trie = new MerklePatriciaTrie(EMPTY_TRIE_ROOT, () => undefined);
          for (const entry of sorted) trie.put(entry.key, entry.value);
          const nodes = new Map<string, string>();
          const expected = trie.commit((hash, rlp) => nodes.set(hex(hash), hex(rlp)));
          const built = new Map<string, string>();
          const entries = {
            length: sorted.length,
            key: (at: number) => sorted[at]?.key as Uint8Array,
            value: (at: number) => sorted[at]?.value as Uint8Array,
          };
          expect(sortedTrieRoot(entries, (hash, rlp) => built.set(hex(hash), hex(rlp)))).toBe(expected);
          expect(built).toEqual(nodes);
        },
      ),
    );
  });
});
