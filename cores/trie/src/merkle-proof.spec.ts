import { keccak256 } from "@aios/core-keccak/keccak";
import { fromHex, toHex } from "@aios/core-rlp/hex";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EMPTY_TRIE_ROOT } from "./empty-hashes.js";
import { MerklePatriciaTrie } from "./merkle-patricia-trie.js";
import { provenValue } from "./merkle-proof.js";

// Few distinct nibbles, so that keys share prefixes and are prefixes of each other.
const key = fc
  .array(fc.constantFrom(0x00, 0x01, 0x10, 0x11, 0xf0), { minLength: 1, maxLength: 4 })
  .map((bytes) => Uint8Array.from(bytes));
const content = fc.array(fc.tuple(key, fc.uint8Array({ minLength: 1, maxLength: 40 })), { maxLength: 24 });

function trieOf(entries: readonly (readonly [Uint8Array, Uint8Array])[]) {
  const trie = new MerklePatriciaTrie(EMPTY_TRIE_ROOT, () => undefined);
  for (const [k, v] of entries) trie.put(k, v);
  return { trie, root: fromHex(trie.commit(() => undefined)) };
}

describe("provenValue", () => {
  it("finds by a trie's proof what the trie holds, and that it holds nothing else", () => {
    fc.assert(
      fc.property(content, fc.array(key), (entries, others) => {
        const { trie, root } = trieOf(entries);
        for (const k of [...entries.map(([one]) => one), ...others])
          expect(provenValue(root, k, trie.proof(k))).toEqual(trie.get(k));
      }),
      { numRuns: 200 },
    );
  });

  it("takes no proof with a bit changed, a node missing, added or moved, for anything but the truth", () => {
    const change = fc.record({
      how: fc.constantFrom("flip", "drop", "add", "reverse"),
      at: fc.nat(),
      bit: fc.nat(7),
    });
    fc.assert(
      fc.property(content, key, change, (entries, k, { how, at, bit }) => {
        const { trie, root } = trieOf(entries);
        const honest = trie.proof(k);
        const forged = honest.map((node) => node.slice());
        const node = forged[at % Math.max(1, forged.length)];
        if (how === "flip" && node !== undefined) {
          const byte = at % node.length;
          node[byte] = (node[byte] as number) ^ (1 << bit);
        } else if (how === "drop") forged.pop();
        else if (how === "add") forged.push(Uint8Array.of(0xc0));
        else forged.reverse();
        const isSame = forged.map(toHex).join() === honest.map(toHex).join();
        if (isSame) expect(provenValue(root, k, forged)).toEqual(trie.get(k));
        else expect(() => provenValue(root, k, forged)).toThrow(/does not show/);
      }),
      { numRuns: 300 },
    );
  });

  it("names a node that has the right hash and is none", () => {
    const junk = Uint8Array.of(0xc1, 0x80);
    expect(() => provenValue(keccak256(junk), Uint8Array.of(1), [junk])).toThrow(/does not show/);
  });
});
