import { toHex } from "@aios/core-rlp/hex";
import type { Bytes32 } from "@aios/kernel/identifiers";
import { EMPTY_TRIE_ROOT } from "./empty-hashes.js";
import type { NodeSink } from "./merkle-patricia-trie.js";
import { nibbleAt, toNibbles } from "./nibbles.js";
import { NodeEncoder } from "./node-encoder.js";
import { aligned } from "./slab.js";
import { Branch, Extension, Leaf, referenceFrom, sharedEnd, type TrieNode } from "./trie-node.js";

/** Entries by number, in the order of their keys. Keys are of one length and distinct. */
export interface SortedEntries {
  readonly length: number;
  key(index: number): Uint8Array;
  value(index: number): Uint8Array;
}

/**
 * Root of the trie of sorted entries, built from its leaves up with no more in memory than one path; every node goes to
 * `store` once. Equal to putting the entries into a trie one by one. Cost: a hash for each node.
 */
export function sortedTrieRoot(entries: SortedEntries, store: NodeSink): Bytes32 {
  if (entries.length === 0) return EMPTY_TRIE_ROOT;
  let root = EMPTY_TRIE_ROOT;
  const encoder = new NodeEncoder({
    push: ({ bytes }, at, end) => {
      const hash = referenceFrom(bytes, aligned(end), -1);
      store(hash, bytes.subarray(at, end));
      root = toHex(hash) as Bytes32;
    },
  });
  build(entries, 0, entries.length, 0, encoder);
  return root;
}

/** The node of the entries from `start` to before `end`, whose keys share the first `depth` nibbles. */
function build(
  entries: SortedEntries,
  start: number,
  end: number,
  depth: number,
  encoder: NodeEncoder,
): TrieNode {
  const key = entries.key(start);
  const node =
    end - start === 1 ? new Leaf(key, entries.value(start)) : inner(entries, start, end, depth, encoder);
  encoder.encode(node, depth, depth === 0);
  return node;
}

/** As `build`, of two entries or more, and not encoded yet. */
function inner(
  entries: SortedEntries,
  start: number,
  end: number,
  depth: number,
  encoder: NodeEncoder,
): TrieNode {
  const key = entries.key(start);
  const shared = sharedEnd(key, entries.key(end - 1), depth);
  if (shared === key.length * 2) throw new TypeError("Keys of sorted entries are distinct.");
  if (shared > depth)
    return new Extension(toNibbles(key).slice(depth, shared), build(entries, start, end, shared, encoder));
  const branch = new Branch();
  for (let from = start; from < end; ) {
    const nibble = nibbleAt(entries.key(from), depth);
    const to = firstBeyond(entries, from, end, depth, nibble);
    branch.set(nibble, build(entries, from, to, depth + 1, encoder));
    from = to;
  }
  return branch;
}

/** First entry from `start` on whose nibble at `depth` is greater, by bisection. */
function firstBeyond(
  entries: SortedEntries,
  start: number,
  end: number,
  depth: number,
  nibble: number,
): number {
  let low = start + 1;
  let high = end;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (nibbleAt(entries.key(middle), depth) > nibble) high = middle;
    else low = middle + 1;
  }
  return low;
}
