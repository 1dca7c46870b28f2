import { checkedItemEnd, isList, itemEnd, itemStart } from "./encoded-item.js";
import { corruptTrie } from "./errors.js";
import { expandPath } from "./nibbles.js";
import { aligned, type Slab, type SlabWriter } from "./slab.js";
import {
  Branch,
  CHILDREN,
  EXTENSION,
  Extension,
  HASH_BYTES,
  LEAF,
  Leaf,
  PLACE_BYTES,
  REFERENCE_ROOM,
  type TrieNode,
} from "./trie-node.js";

const EMPTY_ITEM = 0x80;
const HASH_ITEM = 0x80 + HASH_BYTES;
const MAX_FLAGS = 0x3f;
const LEAF_FLAG = 0x20;

/**
 * Takes a stored node into memory: its RLP, with the places of its children behind it where they have some. `reference`:
 * its hash, and its place where it has one. Throws `corrupt-trie` for anything that is no node.
 */
export function takeNode(writer: SlabWriter, bytes: Uint8Array, reference: Uint8Array): TrieNode {
  const at = writer.take(aligned(bytes.length) + REFERENCE_ROOM);
  const { slab } = writer;
  slab.bytes.set(bytes, at);
  const end = at + bytes.length;
  slab.bytes.set(reference, aligned(end));
  return readNode(slab, at, end);
}

function readEmbedded(slab: Slab, at: number): TrieNode {
  const end = itemEnd(slab.bytes, at);
  if (end - at >= HASH_BYTES) throw corruptTrie("a node is embedded that has a hash");
  return readNode(slab, at, end);
}

function readNode(slab: Slab, at: number, end: number): TrieNode {
  const { bytes } = slab;
  const rlpEnd = checkedItemEnd(bytes, at, end);
  if (!isList(bytes, at)) throw corruptTrie("a node is no list");
  const first = itemStart(bytes, at);
  const second = checkedItemEnd(bytes, first, rlpEnd);
  const third = checkedItemEnd(bytes, second, rlpEnd);
  const node = third === rlpEnd ? readPair(slab, first, second) : readBranch(slab, first, rlpEnd);
  if (end !== rlpEnd && end - rlpEnd !== PLACE_BYTES * hashesOf(node))
    throw corruptTrie("the places of a node's children are not as many as these");
  node.lieAt(slab, at, end);
  return node;
}

/** Children of a node that was just read which are not embedded. */
function hashesOf(node: TrieNode): number {
  if (node.kind === LEAF) return 0;
  if (node.kind === EXTENSION) return node.child === undefined ? 1 : 0;
  let hashes = 0;
  for (let index = 0; index < CHILDREN; index++)
    if (((node.mask >> index) & 1) === 1 && node.children[index] === undefined) hashes++;
  return hashes;
}

function readPair(slab: Slab, pathItem: number, rest: number): Leaf | Extension {
  const { bytes } = slab;
  const path = itemStart(bytes, pathItem);
  const flags = bytes[path] as number;
  if (isList(bytes, pathItem) || path === rest || flags > MAX_FLAGS) throw corruptTrie("a path is malformed");
  if (flags >= LEAF_FLAG) {
    if (isList(bytes, rest)) throw corruptTrie("a leaf has no value");
    return new Leaf();
  }
  const nibbles = expandPath(bytes.subarray(path, rest)).path.slice();
  if (isList(bytes, rest)) return new Extension(nibbles, readEmbedded(slab, rest));
  if (bytes[rest] !== HASH_ITEM) throw corruptTrie("an extension leads nowhere");
  return new Extension(nibbles);
}

function readBranch(slab: Slab, first: number, rlpEnd: number): Branch {
  const { bytes } = slab;
  const branch = new Branch();
  let at = first;
  branch.isPlain = true;
  for (let index = 0; index < CHILDREN; index++) {
    const prefix = bytes[at];
    if (prefix === EMPTY_ITEM && at < rlpEnd) {
      at++;
      continue;
    }
    branch.mask |= 1 << index;
    const next = checkedItemEnd(bytes, at, rlpEnd);
    if (isList(bytes, at)) {
      branch.isPlain = false;
      branch.children[index] = readEmbedded(slab, at);
    } else if (prefix !== HASH_ITEM) throw corruptTrie("a reference is malformed");
    at = next;
  }
  branch.encodedMask = branch.mask;
  if (checkedItemEnd(bytes, at, rlpEnd) !== rlpEnd || isList(bytes, at))
    throw corruptTrie("a node has the wrong number of fields");
  const valueAt = itemStart(bytes, at);
  if (valueAt < rlpEnd) {
    branch.isPlain = false;
    branch.value = bytes.slice(valueAt, rlpEnd);
  }
  return branch;
}
