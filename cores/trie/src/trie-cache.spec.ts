import { keccak256 } from "@aios/core-keccak/keccak";
import { toHex } from "@aios/core-rlp/hex";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EMPTY_TRIE_ROOT } from "./empty-hashes.js";
import { MerklePatriciaTrie } from "./merkle-patricia-trie.js";
import { TrieCache } from "./trie-cache.js";

const LIMITS = { maxTries: 3, maxNodes: 200, keptLevels: 1 };

function nodeStore() {
  const nodes = new Map<string, Uint8Array>();
  let loads = 0;
  return {
    load: (hash: Uint8Array): Uint8Array | undefined => {
      loads++;
      return nodes.get(toHex(hash));
    },
    keep: (hash: Uint8Array, rlp: Uint8Array): void => void nodes.set(toHex(hash), rlp),
    loads: () => loads,
  };
}

const writes = fc.array(
  fc.tuple(
    fc.nat(60),
    fc.oneof(fc.constant(new Uint8Array(0)), fc.uint8Array({ minLength: 33, maxLength: 40 })),
  ),
  { maxLength: 30 },
);

describe("TrieCache", () => {
  it("gives the roots that tries without a cache have, whatever was opened, kept or thrown away before", () => {
    const blocks = fc.array(fc.tuple(writes, fc.boolean()), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(blocks, (all) => {
        const store = nodeStore();
        const cache = new TrieCache(store.load, LIMITS);
        let root = EMPTY_TRIE_ROOT;
        for (const [block, isStored] of all) {
          const trie = cache.open(root);
          const plain = new MerklePatriciaTrie(root, store.load);
          for (const [index, value] of block)
            for (const each of [trie, plain]) each.put(keccak256(Uint8Array.of(index)), value);
          const next = trie.commit(isStored ? store.keep : () => undefined);
          expect(plain.commit(() => undefined)).toBe(next);
          cache.keep(next, trie);
          if (isStored) root = next;
        }
      }),
      { numRuns: 200 },
    );
  });

  it("loads nothing that the last block had in memory", () => {
    const store = nodeStore();
    const cache = new TrieCache(store.load, { ...LIMITS, maxNodes: 10_000 });
    const trie = cache.open(EMPTY_TRIE_ROOT);
    for (let i = 0; i < 100; i++) trie.put(keccak256(Uint8Array.of(i)), new Uint8Array(40).fill(i));
    const root = trie.commit(store.keep);
    cache.keep(root, trie);
    const next = cache.open(root);
    for (let i = 0; i < 100; i++) next.put(keccak256(Uint8Array.of(i)), new Uint8Array(40).fill(i + 1));
    next.commit(store.keep);
    expect(store.loads()).toBe(0);
  });

  it("keeps no more tries and nodes than its limits", () => {
    const store = nodeStore();
    const cache = new TrieCache(store.load, LIMITS);
    let root = EMPTY_TRIE_ROOT;
    for (let block = 0; block < 10; block++) {
      const trie = cache.open(root);
      for (let i = 0; i < 20; i++) trie.put(keccak256(Uint8Array.of(block, i)), new Uint8Array(40).fill(i));
      root = trie.commit(store.keep);
      cache.keep(root, trie);
      expect(cache.size).toBeLessThanOrEqual(LIMITS.maxTries);
    }
  });
});
