import { keccak256 } from "@aios/core-keccak/keccak";
import { toHex } from "@aios/core-rlp/hex";
import { decodeRlp } from "@aios/core-rlp/rlp";
import type { Bytes32 } from "@aios/kernel/identifiers";
import { EMPTY_TRIE_ROOT } from "./empty-hashes.js";
import type { NodeSink } from "./merkle-patricia-trie.js";
import { toNibbles } from "./nibbles.js";
import { HASH_BYTES, type LoadedNode, NodeEncoder, newBranch } from "./trie-node.js";

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
  const encoder = new NodeEncoder();
  const root = build(entries, 0, entries.length, 0, encoder, store);
  if (root.reference instanceof Uint8Array) return toHex(root.reference) as Bytes32;
  const rlp = encoder.encode(root);
  const hash = keccak256(rlp);
  store(hash, rlp);
  return toHex(hash) as Bytes32;
}

/** The node of the entries from `start` to before `end`, whose keys share the first `depth` nibbles. */
function build(
  entries: SortedEntries,
  start: number,
  end: number,
  depth: number,
  encoder: NodeEncoder,
  store: NodeSink,
): LoadedNode {
  const path = toNibbles(entries.key(start));
  if (end - start === 1)
    return referenced(
      { kind: "leaf", path: path.subarray(depth), value: entries.value(start), reference: undefined },
      encoder,
      store,
    );
  const last = entries.key(end - 1);
  let shared = depth;
  while (shared < path.length && path[shared] === nibbleAt(last, shared)) shared += 1;
  if (shared === path.length) throw new TypeError("Keys of sorted entries are distinct.");
  if (shared > depth) {
    const child = build(entries, start, end, shared, encoder, store);
    return referenced(
      { kind: "extension", path: path.subarray(depth, shared), child, reference: undefined },
      encoder,
      store,
    );
  }
  const branch = newBranch();
  for (let from = start; from < end; ) {
    const nibble = nibbleAt(entries.key(from), depth);
    const to = firstBeyond(entries, from, end, depth, nibble);
    branch.children[nibble] = build(entries, from, to, depth + 1, encoder, store);
    from = to;
  }
  return referenced(branch, encoder, store);
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

function referenced(node: LoadedNode, encoder: NodeEncoder, store: NodeSink): LoadedNode {
  const rlp = encoder.encode(node);
  if (rlp.length < HASH_BYTES) node.reference = decodeRlp(rlp.slice());
  else {
    const hash = keccak256(rlp);
    node.reference = hash;
    store(hash, rlp);
  }
  return node;
}

function nibbleAt(key: Uint8Array, at: number): number {
  const byte = key[at >> 1] as number;
  return (at & 1) === 0 ? byte >> 4 : byte & 15;
}
