import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EMPTY_TRIE_ROOT } from "./empty-hashes.js";
import { MerklePatriciaTrie } from "./merkle-patricia-trie.js";
import { takeNode } from "./read-node.js";
import { SlabWriter } from "./slab.js";
import { nodeRlp } from "./trie-node.js";

const NO_REFERENCE = new Uint8Array(0);

/** Stored nodes of a small trie, with the places of their children. */
function storedNodes(entries: readonly (readonly [Uint8Array, Uint8Array])[]): Uint8Array[] {
  const trie = new MerklePatriciaTrie(EMPTY_TRIE_ROOT, () => undefined);
  for (const [key, value] of entries) trie.put(key, value);
  const nodes: Uint8Array[] = [];
  let places = 0;
  trie.commit(
    (_, bytes) => nodes.push(bytes.slice()),
    () => ++places,
  );
  return nodes;
}

function isTaken(bytes: Uint8Array): boolean {
  try {
    const rlp = nodeRlp(takeNode(new SlabWriter(), bytes, NO_REFERENCE));
    expect(rlp).toEqual(bytes.subarray(0, rlp.length));
    return true;
  } catch (error) {
    expect(error).toMatchObject({ code: "corrupt-trie" });
    return false;
  }
}

const key = fc
  .array(fc.constantFrom(0x00, 0x01, 0x10, 0x11, 0xf0), { minLength: 1, maxLength: 4 })
  .map((bytes) => Uint8Array.from(bytes));
const entries = fc.array(fc.tuple(key, fc.uint8Array({ minLength: 1, maxLength: 40 })), {
  minLength: 1,
  maxLength: 16,
});

describe("reading stored nodes", () => {
  it("takes what a commit has made, and nothing that is cut or longer", () => {
    fc.assert(
      fc.property(entries, fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 4 }), (all, cut, more) => {
        for (const node of storedNodes(all)) {
          expect(isTaken(node)).toBe(true);
          // Places that are missing altogether are those of nodes by hash; so many bytes are none.
          const part = node.subarray(0, cut % node.length);
          if (isTaken(part)) expect((node.length - part.length) % 6).toBe(0);
          expect(isTaken(Uint8Array.of(...node, ...more))).toBe(false);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("refuses any bytes that are no node with a coded error", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        isTaken(bytes);
        isTaken(Uint8Array.of(0xc0 + Math.min(55, bytes.length), ...bytes));
      }),
      { numRuns: 3_000 },
    );
    fc.assert(
      fc.property(entries, fc.nat(), fc.integer({ min: 1, max: 255 }), (all, at, change) => {
        for (const node of storedNodes(all)) {
          const index = at % node.length;
          node[index] = (node[index] as number) ^ change;
          isTaken(node);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("refuses a million open lists without a stack overflow", () => {
    expect(isTaken(new Uint8Array(1_000_000).fill(0xc1))).toBe(false);
    const nested = new Uint8Array(90_000);
    for (let at = 0; at + 6 < nested.length; at += 6) {
      const rest = nested.length - at - 4;
      nested.set([0xfa, rest >> 16, (rest >> 8) & 255, rest & 255, 0x11, 0x00], at);
    }
    expect(isTaken(nested)).toBe(false);
  });
});
