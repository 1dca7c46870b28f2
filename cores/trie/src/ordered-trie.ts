import { keccak256To } from "@aios/core-keccak/keccak";
import { toHex } from "@aios/core-rlp/hex";
import { rlpHeaderLength, writeRlpBytes, writeRlpListHeader } from "@aios/core-rlp/rlp";
import type { Bytes32 } from "@aios/kernel/identifiers";
import { EMPTY_TRIE_ROOT } from "./empty-hashes.js";
import { HASH_BYTES } from "./trie-node.js";

/** Room for the header of a node, which is written once its payload is there. */
const HEADER_ROOM = 5;
const CHILDREN = 16;
const EMPTY_ITEM = 0x80;
const HASH_ITEM = 0x80 + HASH_BYTES;
const BRANCH_BYTES = HEADER_ROOM + CHILDREN * (HASH_BYTES + 1) + 1;
/** Of a path and the headers of its leaf. */
const LEAF_ROOM = HEADER_ROOM + 16;
const ONE_BYTE_KEYS = 0x80;
const LEAF_FLAG = 0x20;
const ODD_FLAG = 0x10;

/**
 * Root of the trie that a block commits to for an ordered list: keys are RLP indexes (yellow paper, 4.4.1). Built from the
 * leaves up in a buffer for each depth, since the order of the keys is known. Cost: a hash for each node. No value is empty.
 */
export function orderedTrieRoot(values: readonly Uint8Array[]): Bytes32 {
  return values.length === 0 ? EMPTY_TRIE_ROOT : new OrderedTrie(values).root();
}

/** Nodes are named by the run of entries below them, in the order of their keys, and by their depth in nibbles. */
class OrderedTrie {
  readonly #values: readonly Uint8Array[];
  readonly #buffers: Uint8Array[] = [];
  /** Of the node that was encoded last, in the buffer of its depth. */
  #start = 0;
  #end = 0;

  constructor(values: readonly Uint8Array[]) {
    this.#values = values;
  }

  root(): Bytes32 {
    this.#encode(0, this.#values.length, 0);
    const hash = new Uint8Array(HASH_BYTES);
    // A root is always named by its hash, however short it is.
    keccak256To(this.#buffer(0, 0), this.#start, this.#end - this.#start, hash, 0);
    return toHex(hash) as Bytes32;
  }

  #encode(first: number, end: number, depth: number): void {
    if (end - first === 1) this.#leaf(this.#indexAt(first), depth);
    else {
      const shared = this.#sharedDepth(first, end, depth);
      if (shared > depth) this.#extension(first, end, depth, shared);
      else this.#branch(first, end, depth);
    }
  }

  #leaf(index: number, depth: number): void {
    const value = this.#values[index] as Uint8Array;
    const out = this.#buffer(depth, LEAF_ROOM + value.length);
    const at = writePath(out, HEADER_ROOM, index, depth, keyNibbles(index), LEAF_FLAG);
    this.#finish(out, writeRlpBytes(out, at, value));
  }

  #extension(first: number, end: number, depth: number, shared: number): void {
    const out = this.#buffer(depth, BRANCH_BYTES);
    const at = writePath(out, HEADER_ROOM, this.#indexAt(first), depth, shared, 0);
    this.#finish(out, this.#child(first, end, shared, out, at));
  }

  #branch(first: number, end: number, depth: number): void {
    const out = this.#buffer(depth, BRANCH_BYTES);
    let at = HEADER_ROOM;
    let from = first;
    for (let nibble = 0; nibble < CHILDREN; nibble++) {
      let to = from;
      while (to < end && nibbleOf(this.#indexAt(to), depth) === nibble) to++;
      if (to === from) out[at++] = EMPTY_ITEM;
      else at = this.#child(from, to, depth + 1, out, at);
      from = to;
    }
    // No key is the beginning of another, so that a branch has no value.
    out[at++] = EMPTY_ITEM;
    this.#finish(out, at);
  }

  /** Writes how a parent names the node: its hash, or itself where it is shorter. Returns where that ends. */
  #child(first: number, end: number, depth: number, out: Uint8Array, at: number): number {
    this.#encode(first, end, depth);
    const node = this.#buffer(depth, 0);
    const length = this.#end - this.#start;
    if (length < HASH_BYTES) {
      out.set(node.subarray(this.#start, this.#end), at);
      return at + length;
    }
    out[at] = HASH_ITEM;
    keccak256To(node, this.#start, length, out, at + 1);
    return at + 1 + HASH_BYTES;
  }

  #finish(out: Uint8Array, end: number): void {
    const payload = end - HEADER_ROOM;
    this.#start = HEADER_ROOM - rlpHeaderLength(payload);
    this.#end = end;
    writeRlpListHeader(out, this.#start, payload);
  }

  /** The buffer of a depth, of so many bytes at least. */
  #buffer(depth: number, bytes: number): Uint8Array {
    const known = this.#buffers[depth];
    if (known !== undefined && known.length >= bytes) return known;
    const out = new Uint8Array(Math.max(bytes, BRANCH_BYTES));
    this.#buffers[depth] = out;
    return out;
  }

  /** Index of the entry at a place in the order of the keys: 1 to 127, whose keys are themselves, then 0, then the others. */
  #indexAt(place: number): number {
    const zeroAt = Math.min(this.#values.length, ONE_BYTE_KEYS) - 1;
    if (place < zeroAt) return place + 1;
    return place === zeroAt ? 0 : place;
  }

  /** Nibbles that the first and the last key share, and so all in between. */
  #sharedDepth(first: number, end: number, depth: number): number {
    const low = this.#indexAt(first);
    const high = this.#indexAt(end - 1);
    let shared = depth;
    while (nibbleOf(low, shared) === nibbleOf(high, shared)) shared++;
    return shared;
  }
}

/** Bytes of an index in its key, behind the one that says how many; none where the key is a single byte. */
function indexBytes(index: number): number {
  if (index < ONE_BYTE_KEYS) return 0;
  if (index < 0x100) return 1;
  if (index < 0x10000) return 2;
  return index < 0x1000000 ? 3 : 4;
}

function keyNibbles(index: number): number {
  return 2 + 2 * indexBytes(index);
}

function nibbleOf(index: number, at: number): number {
  const byte = keyByte(index, at >> 1);
  return (at & 1) === 0 ? byte >> 4 : byte & 15;
}

/** Of the RLP encoding of an index. */
function keyByte(index: number, at: number): number {
  const bytes = indexBytes(index);
  if (at === 0) return bytes === 0 && index > 0 ? index : EMPTY_ITEM + bytes;
  return (index >>> (8 * (bytes - at))) & 255;
}

/** Writes the nibbles of a key from `from` to before `end` in hex-prefix encoding, as an item; returns where it ends. */
function writePath(
  out: Uint8Array,
  at: number,
  index: number,
  from: number,
  end: number,
  flag: number,
): number {
  const bytes = ((end - from) >> 1) + 1;
  let to = at;
  // A path of one byte is below 0x80 and its own encoding.
  if (bytes > 1) out[to++] = EMPTY_ITEM + bytes;
  let next = from;
  out[to++] = ((end - from) & 1) === 1 ? flag | ODD_FLAG | nibbleOf(index, next++) : flag;
  for (; next < end; next += 2) out[to++] = (nibbleOf(index, next) << 4) | nibbleOf(index, next + 1);
  return to;
}
