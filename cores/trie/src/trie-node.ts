import { isList, itemEnd, itemStart } from "./encoded-item.js";
import { nibbleAt } from "./nibbles.js";
import { aligned, type Slab, type SlabWriter } from "./slab.js";

export const HASH_BYTES = 32;
/** A number from 1 on, big endian. */
export const PLACE_BYTES = 6;
/** Room behind a node for its hash and its place. */
export const REFERENCE_ROOM = HASH_BYTES + PLACE_BYTES + 2;
export const CHILDREN = 16;
const MAX_NIBBLE = 15;

export const LEAF = 0;
export const EXTENSION = 1;
export const BRANCH = 2;

/**
 * What nodes have in common. A committed node lies encoded in a slab: its RLP, the places of its children where they have
 * some, and behind it at a whole word its hash and its own place, zeros where it has none; a node whose RLP is shorter
 * than a hash lies in its parent, unless it is the root. It may be shared and its content is never changed. Any other
 * node belongs to one trie.
 */
abstract class Encoded {
  slab: Slab | undefined;
  at = 0;
  /** Where RLP and places end. */
  end = 0;
  isCommitted = false;

  /** Says where the node lies now that it is committed, or was read, or was moved. */
  lieAt(slab: Slab, at: number, end: number): void {
    this.slab = slab;
    this.at = at;
    this.end = end;
    this.isCommitted = true;
  }
}

export class Leaf extends Encoded {
  readonly kind = LEAF;
  /** Whole, and only until the leaf is committed. */
  key: Uint8Array | undefined;
  value: Uint8Array | undefined;

  constructor(key?: Uint8Array, value?: Uint8Array) {
    super();
    this.key = key;
    this.value = value;
  }
}

export class Extension extends Encoded {
  readonly kind = EXTENSION;
  /** In half bytes. */
  readonly path: Uint8Array;
  /** Absent where it is not loaded: not before the extension is committed. */
  child: TrieNode | undefined;

  constructor(path: Uint8Array, child?: TrieNode) {
    super();
    this.path = path;
    this.child = child;
  }
}

/** Before it is committed it may have the encoding of the branch that it follows, from which it takes what has not changed. */
export class Branch extends Encoded {
  readonly kind = BRANCH;
  /** 16 entries: the children that are loaded. What has changed always is. */
  readonly children: (TrieNode | undefined)[];
  /** A bit for each child that is there. */
  mask = 0;
  /** A bit for each child of the encoding. */
  encodedMask = 0;
  /** A bit for each child that is another than in the encoding. */
  changed = 0;
  /** Whether all children of the encoding are hashes and it has no value: nearly always. */
  isPlain = false;
  value: Uint8Array | undefined;

  constructor(
    children: (TrieNode | undefined)[] = new Array<TrieNode | undefined>(CHILDREN).fill(undefined),
  ) {
    super();
    this.children = children;
  }

  /** Not of a committed branch. */
  set(index: number, child: TrieNode | undefined): void {
    const bit = 1 << index;
    this.children[index] = child;
    this.changed |= bit;
    this.mask = child === undefined ? this.mask & ~bit : this.mask | bit;
  }
}

/** A node in memory. */
export type TrieNode = Leaf | Extension | Branch;

/** The branch itself when it may be changed, a copy of a committed one. */
export function writable(branch: Branch): Branch {
  if (!branch.isCommitted) return branch;
  const out = new Branch(branch.children.slice());
  out.slab = branch.slab;
  out.at = branch.at;
  out.end = branch.end;
  out.mask = branch.mask;
  out.encodedMask = branch.encodedMask;
  out.isPlain = branch.isPlain;
  out.value = branch.value;
  return out;
}

/** Memory of a node that has some. */
export function slabOf(node: TrieNode): Slab {
  if (node.slab === undefined) throw new TypeError("A node is read before it is encoded.");
  return node.slab;
}

/** Where the hash of a committed node is, with its place behind it. */
export const referenceAt = (node: TrieNode): number => aligned(node.end);

/** Whether the parent of a committed node has it in itself. The root's hash counts whatever its length. */
export function isEmbedded(node: TrieNode): boolean {
  // No node so short has places behind its RLP.
  return node.end - node.at < HASH_BYTES;
}

/** RLP of a committed node: a copy. */
export function nodeRlp(node: TrieNode): Uint8Array {
  const { bytes } = slabOf(node);
  return bytes.slice(node.at, itemEnd(bytes, node.at));
}

/** Moves a committed node with its reference to other memory. Not one that lies in its parent. */
export function moveNode(node: TrieNode, writer: SlabWriter): void {
  const { words } = slabOf(node);
  const length = node.end - node.at;
  const bytes = aligned(length) + REFERENCE_ROOM;
  const at = writer.take(bytes);
  const { slab } = writer;
  for (let word = 0, from = node.at >> 2, to = at >> 2; word < bytes >> 2; word++)
    slab.words[to + word] = words[from + word] as number;
  node.lieAt(slab, at, at + length);
}

/** The value in the encoding of a leaf: a copy. */
export function leafValue(leaf: Leaf): Uint8Array {
  if (leaf.value !== undefined) return leaf.value;
  const { bytes } = slabOf(leaf);
  const at = itemEnd(bytes, itemStart(bytes, leaf.at));
  return bytes.slice(itemStart(bytes, at), itemEnd(bytes, at));
}

/** Whether a leaf whose path begins at this depth (half bytes) has this key. */
export function leafHas(leaf: Leaf, key: Uint8Array, depth: number): boolean {
  const own = leaf.key;
  if (own !== undefined) return own.length === key.length && hasSameEnd(own, 0, key, depth);
  const { bytes } = slabOf(leaf);
  const item = itemStart(bytes, leaf.at);
  const path = itemStart(bytes, item);
  // The path ends where the key does, so that the bytes of both lie alike.
  if (itemEnd(bytes, item) - path - 1 !== key.length - ((depth + 1) >> 1)) return false;
  const isOdd = ((bytes[path] as number) & 0x10) !== 0;
  if (isOdd !== ((depth & 1) === 1)) return false;
  if (isOdd && ((bytes[path] as number) & MAX_NIBBLE) !== nibbleAt(key, depth)) return false;
  const from = (depth + 1) >> 1;
  return hasSameEnd(bytes, path + 1 - from, key, from * 2);
}

/** Whether `key` from this depth on is in `bytes`, as far behind `offset`. */
function hasSameEnd(bytes: Uint8Array, offset: number, key: Uint8Array, depth: number): boolean {
  let at = depth >> 1;
  if ((depth & 1) === 1) {
    if (((bytes[offset + at] as number) & MAX_NIBBLE) !== ((key[at] as number) & MAX_NIBBLE)) return false;
    at++;
  }
  for (; at < key.length; at++) if (bytes[offset + at] !== key[at]) return false;
  return true;
}

/** The leaf's whole key, of which another key below the same parent has the first `depth` half bytes. */
export function leafKey(leaf: Leaf, other: Uint8Array, depth: number): Uint8Array {
  if (leaf.key !== undefined) return leaf.key;
  const { bytes } = slabOf(leaf);
  const item = itemStart(bytes, leaf.at);
  const path = itemStart(bytes, item);
  const rest = itemEnd(bytes, item) - path - 1;
  const from = (depth + 1) >> 1;
  const key = new Uint8Array(from + rest);
  key.set(other.subarray(0, from));
  if ((depth & 1) === 1)
    key[from - 1] = ((other[from - 1] as number) & 0xf0) | ((bytes[path] as number) & MAX_NIBBLE);
  key.set(bytes.subarray(path + 1, path + 1 + rest), from);
  return key;
}

/** Whether a key has this path (half bytes) at this depth. */
export function pathLeadsTo(path: Uint8Array, key: Uint8Array, depth: number): boolean {
  if (depth + path.length > key.length * 2) return false;
  for (let i = 0; i < path.length; i++) if (path[i] !== nibbleAt(key, depth + i)) return false;
  return true;
}

/** The depth at which keys that are the same up to `depth` differ, or the shorter one ends. */
export function sharedEnd(a: Uint8Array, b: Uint8Array, depth: number): number {
  const limit = Math.min(a.length, b.length) * 2;
  let at = depth;
  while (at < limit && nibbleAt(a, at) === nibbleAt(b, at)) at++;
  return at;
}

function bitCount(mask: number): number {
  const pairs = mask - ((mask >> 1) & 0x5555);
  const fours = (pairs & 0x3333) + ((pairs >> 2) & 0x3333);
  const bytes = (fours + (fours >> 4)) & 0x0f0f;
  return (bytes + (bytes >> 8)) & 31;
}

/** Children of a branch's encoding before one of them. */
export const childrenBefore = (branch: Branch, index: number): number =>
  bitCount(branch.encodedMask & ((1 << index) - 1));

/** Where in the encoding of a branch the item of a child is. */
export function childAt(branch: Branch, index: number): number {
  const { bytes } = slabOf(branch);
  let at = itemStart(bytes, branch.at);
  if (branch.isPlain) return at + index + HASH_BYTES * childrenBefore(branch, index);
  for (let i = 0; i < index; i++) at = itemEnd(bytes, at);
  return at;
}

/** By what the child of a committed extension, or an unchanged child of a branch, is stored: hash, and place if it has one. */
export function childReference(node: Extension | Branch, index = 0): Uint8Array {
  const { bytes } = slabOf(node);
  const rlpEnd = itemEnd(bytes, node.at);
  const item = node.kind === BRANCH ? childAt(node, index) : itemEnd(bytes, itemStart(bytes, node.at));
  const placesBefore = node.kind === BRANCH ? hashesBefore(node, index) : 0;
  const placeAt = node.end > rlpEnd ? rlpEnd + PLACE_BYTES * placesBefore : -1;
  return referenceFrom(bytes, item + 1, placeAt);
}

/** Hashes in the encoding of a branch before a child. */
function hashesBefore(branch: Branch, index: number): number {
  if (branch.isPlain) return childrenBefore(branch, index);
  const { bytes } = slabOf(branch);
  let hashes = 0;
  let at = itemStart(bytes, branch.at);
  for (let i = 0; i < index; i++) {
    if (((branch.encodedMask >> i) & 1) === 1 && !isList(bytes, at)) hashes++;
    at = itemEnd(bytes, at);
  }
  return hashes;
}

/** A hash, and a place behind it unless that is zeros. A copy. */
export function referenceFrom(bytes: Uint8Array, hashAt: number, placeAt: number): Uint8Array {
  const isPlaced = placeAt >= 0 && hasPlace(bytes, placeAt);
  const out = new Uint8Array(isPlaced ? HASH_BYTES + PLACE_BYTES : HASH_BYTES);
  for (let i = 0; i < HASH_BYTES; i++) out[i] = bytes[hashAt + i] as number;
  if (isPlaced) for (let i = 0; i < PLACE_BYTES; i++) out[HASH_BYTES + i] = bytes[placeAt + i] as number;
  return out;
}

export function hasPlace(bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < PLACE_BYTES; i++) if (bytes[at + i] !== 0) return true;
  return false;
}
