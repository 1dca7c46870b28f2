import { keccak256Words } from "@aios/core-keccak/keccak";
import {
  rlpHeaderLength,
  rlpLength,
  writeRlpBytes,
  writeRlpBytesHeader,
  writeRlpListHeader,
} from "@aios/core-rlp/rlp";
import { isList, itemEnd, itemStart } from "./encoded-item.js";
import { corruptTrie } from "./errors.js";
import type { EncodedNodes } from "./new-nodes.js";
import { compactLength, writeCompactPath } from "./nibbles.js";
import { aligned, SlabWriter } from "./slab.js";
import {
  BRANCH,
  type Branch,
  CHILDREN,
  childrenBefore,
  type Extension,
  HASH_BYTES,
  hasPlace,
  isEmbedded,
  LEAF,
  type Leaf,
  PLACE_BYTES,
  REFERENCE_ROOM,
  referenceAt,
  slabOf,
  type TrieNode,
} from "./trie-node.js";

/**
 * Gives each new node its place, a number that no other has, so that nodes of one commit can be stored beside each other:
 * hashes are all over. A root has none: it is always stored by its hash.
 */
export type NextPlace = () => number;

const NO_BYTES = new Uint8Array(0);
const EMPTY_ITEM = 0x80;
const HASH_ITEM = 0x80 + HASH_BYTES;
const LEAF_FLAG = 0x20;
const ODD_LEAF_FLAG = 0x30;
const NO_PLACE = -1;
const LIMB = 2 ** 32;

/** The number of the lowest bit that is set. */
export const lowestBit = (mask: number): number => 31 - Math.clz32(mask & -mask);

/**
 * Encodes and hashes nodes, one behind the other in its slabs: those of one commit are stored together and then forgotten.
 * A branch takes what has not changed from the encoding of the one before it, so that its cost is a copy and a hash.
 */
export class NodeEncoder {
  readonly #writer = new SlabWriter();
  readonly #nodes: EncodedNodes;
  readonly #nextPlace: NextPlace | undefined;
  // Of a branch that is put together: how it names each child, and where that is.
  readonly #sources = new Array<Uint8Array>(CHILDREN).fill(NO_BYTES);
  readonly #starts = new Int32Array(CHILDREN);
  readonly #lengths = new Int32Array(CHILDREN);
  readonly #places = new Int32Array(CHILDREN);

  constructor(nodes: EncodedNodes, nextPlace?: NextPlace) {
    this.#nodes = nodes;
    this.#nextPlace = nextPlace;
  }

  /** Commits a node whose children are committed. `depth`: half bytes of keys above it. */
  encode(node: TrieNode, depth: number, isRoot = false): void {
    if (node.kind === LEAF) this.#leaf(node, depth);
    else if (node.kind === BRANCH) this.#branch(node);
    else this.#extension(node);
    const slab = slabOf(node);
    const { at, end } = node;
    // The parent of so short a node will have it in itself.
    if (isEmbedded(node) && !isRoot) return;
    const reference = aligned(end);
    keccak256Words(slab.words, at >> 2, itemEnd(slab.bytes, at) - at, reference >> 2);
    if (this.#nextPlace !== undefined && !isRoot)
      writePlace(slab.bytes, reference + HASH_BYTES, this.#nextPlace());
    this.#nodes.push(slab, at, end);
  }

  #take(length: number): number {
    return this.#writer.take(aligned(length) + REFERENCE_ROOM);
  }

  #leaf(leaf: Leaf, depth: number): void {
    const { key = NO_BYTES, value = NO_BYTES } = leaf;
    const from = (depth + 1) >> 1;
    const pathBytes = key.length - from + 1;
    const payload = pathItemLength(pathBytes) + rlpLength(value);
    const length = rlpHeaderLength(payload) + payload;
    const at = this.#take(length);
    const { slab } = this.#writer;
    const { bytes } = slab;
    let to = writeRlpBytesHeader(bytes, writeRlpListHeader(bytes, at, payload), pathBytes);
    bytes[to++] = (depth & 1) === 1 ? ODD_LEAF_FLAG | ((key[from - 1] as number) & 15) : LEAF_FLAG;
    for (let i = from; i < key.length; i++) bytes[to++] = key[i] as number;
    writeRlpBytes(bytes, to, value);
    leaf.key = undefined;
    leaf.value = undefined;
    leaf.lieAt(slab, at, at + length);
  }

  #extension(extension: Extension): void {
    const { path, child } = extension;
    if (child === undefined) throw corruptTrie("a node is encoded before its child");
    const from = slabOf(child).bytes;
    const embedded = isEmbedded(child);
    const childAt = embedded ? child.at : referenceAt(child);
    const childLength = embedded ? child.end - child.at : HASH_BYTES;
    const pathBytes = compactLength(path);
    const payload = pathItemLength(pathBytes) + childLength + (embedded ? 0 : 1);
    const rlp = rlpHeaderLength(payload) + payload;
    const isPlaced = !embedded && hasPlace(from, childAt + HASH_BYTES);
    const length = rlp + (isPlaced ? PLACE_BYTES : 0);
    const at = this.#take(length);
    const { slab } = this.#writer;
    const { bytes } = slab;
    let to = writeRlpBytesHeader(bytes, writeRlpListHeader(bytes, at, payload), pathBytes);
    writeCompactPath(bytes, to, path, false);
    to += pathBytes;
    if (!embedded) bytes[to++] = HASH_ITEM;
    copy(from, childAt, bytes, to, childLength);
    if (isPlaced) copy(from, childAt + HASH_BYTES, bytes, at + rlp, PLACE_BYTES);
    extension.lieAt(slab, at, at + length);
  }

  #branch(branch: Branch): void {
    if (branch.isPlain && branch.mask === branch.encodedMask && canPatch(branch)) this.#patch(branch);
    else this.#assemble(branch);
    branch.encodedMask = branch.mask;
    branch.changed = 0;
  }

  /** The encoding of before with other hashes and places in it. */
  #patch(branch: Branch): void {
    const before = slabOf(branch);
    const length = branch.end - branch.at;
    const at = this.#take(length);
    const { slab } = this.#writer;
    const { bytes } = slab;
    for (let word = 0, from = branch.at >> 2, to = at >> 2; word < aligned(length) >> 2; word++)
      slab.words[to + word] = before.words[from + word] as number;
    const items = itemStart(bytes, at);
    const places = itemEnd(bytes, at);
    const end = at + length;
    for (let rest = branch.changed; rest !== 0; rest &= rest - 1) {
      const index = lowestBit(rest);
      const child = branch.children[index] as TrieNode;
      const from = slabOf(child).bytes;
      const reference = referenceAt(child);
      const hashes = childrenBefore(branch, index);
      copy(from, reference, bytes, items + index + HASH_BYTES * hashes + 1, HASH_BYTES);
      if (places < end) copy(from, reference + HASH_BYTES, bytes, places + PLACE_BYTES * hashes, PLACE_BYTES);
    }
    branch.lieAt(slab, at, end);
  }

  /** From the children that have changed, and for the others from the encoding of before. */
  #assemble(branch: Branch): void {
    const { mask, value = NO_BYTES } = branch;
    const [items, hashes, isPlaced] = this.#gather(branch);
    const payload = items + rlpLength(value);
    const rlp = rlpHeaderLength(payload) + payload;
    const length = rlp + (isPlaced ? PLACE_BYTES * hashes : 0);
    const at = this.#take(length);
    const { slab } = this.#writer;
    const { bytes } = slab;
    let to = writeRlpListHeader(bytes, at, payload);
    let place = at + rlp;
    for (let index = 0; index < CHILDREN; index++) {
      if (((mask >> index) & 1) === 0) {
        bytes[to++] = EMPTY_ITEM;
        continue;
      }
      const source = this.#sources[index] as Uint8Array;
      const itemLength = this.#lengths[index] as number;
      const placeFrom = this.#places[index] as number;
      if (itemLength === HASH_BYTES) bytes[to++] = HASH_ITEM;
      copy(source, this.#starts[index] as number, bytes, to, itemLength);
      to += itemLength;
      if (!isPlaced || itemLength !== HASH_BYTES) continue;
      // Slabs are zeroed, so that a child without a place needs none.
      if (placeFrom !== NO_PLACE) copy(source, placeFrom, bytes, place, PLACE_BYTES);
      place += PLACE_BYTES;
    }
    writeRlpBytes(bytes, to, value);
    branch.isPlain = value.length === 0 && payload === CHILDREN + 1 + HASH_BYTES * hashes;
    branch.lieAt(slab, at, at + length);
  }

  /** Where each child's name is; returns how long the items of all are, how many are hashes, and whether one has a place. */
  #gather(branch: Branch): readonly [items: number, hashes: number, isPlaced: boolean] {
    const { mask, encodedMask, changed, children } = branch;
    const before = branch.slab?.bytes ?? NO_BYTES;
    const rlpEnd = encodedMask === 0 ? 0 : itemEnd(before, branch.at);
    let at = encodedMask === 0 ? 0 : itemStart(before, branch.at);
    let place = branch.end > rlpEnd ? rlpEnd : NO_PLACE;
    let items = 0;
    let hashes = 0;
    let isPlaced = false;
    for (let index = 0; index < CHILDREN; index++) {
      const bit = 1 << index;
      const item = at;
      const placeFrom = place;
      const isHash = (encodedMask & bit) !== 0 && !isList(before, item);
      if (encodedMask !== 0) at = itemEnd(before, item);
      if (isHash && place !== NO_PLACE) place += PLACE_BYTES;
      if ((mask & bit) === 0) {
        items++;
        continue;
      }
      if ((changed & bit) !== 0) this.#name(index, children[index]);
      else {
        this.#sources[index] = before;
        this.#starts[index] = isHash ? item + 1 : item;
        this.#lengths[index] = isHash ? HASH_BYTES : at - item;
        this.#places[index] = isHash ? placeFrom : NO_PLACE;
      }
      const length = this.#lengths[index] as number;
      items += length;
      if (length !== HASH_BYTES) continue;
      items++;
      hashes++;
      const from = this.#places[index] as number;
      isPlaced ||= from !== NO_PLACE && hasPlace(this.#sources[index] as Uint8Array, from);
    }
    return [items, hashes, isPlaced];
  }

  #name(index: number, child: TrieNode | undefined): void {
    if (child === undefined) throw corruptTrie("a node is encoded before its child");
    const embedded = isEmbedded(child);
    this.#sources[index] = slabOf(child).bytes;
    this.#starts[index] = embedded ? child.at : referenceAt(child);
    this.#lengths[index] = embedded ? child.end - child.at : HASH_BYTES;
    this.#places[index] = embedded ? NO_PLACE : referenceAt(child) + HASH_BYTES;
  }
}

/** Whether the new encoding of a branch with the same children can have the form of the one before. */
function canPatch(branch: Branch): boolean {
  if (branch.value !== undefined) return false;
  const isPlaced = branch.end > itemEnd(slabOf(branch).bytes, branch.at);
  for (let rest = branch.changed; rest !== 0; rest &= rest - 1) {
    const child = branch.children[lowestBit(rest)];
    if (child === undefined || isEmbedded(child)) return false;
    if (!isPlaced && hasPlace(slabOf(child).bytes, referenceAt(child) + HASH_BYTES)) return false;
  }
  return true;
}

/** Of a path of so many bytes. One of a single byte is below 0x80 and its own encoding. */
const pathItemLength = (bytes: number): number => (bytes === 1 ? 1 : rlpHeaderLength(bytes) + bytes);

function copy(from: Uint8Array, at: number, to: Uint8Array, toAt: number, length: number): void {
  for (let i = 0; i < length; i++) to[toAt + i] = from[at + i] as number;
}

function writePlace(bytes: Uint8Array, at: number, place: number): void {
  const high = Math.floor(place / LIMB);
  bytes[at] = high >> 8;
  bytes[at + 1] = high & 255;
  bytes[at + 2] = (place >>> 24) & 255;
  bytes[at + 3] = (place >>> 16) & 255;
  bytes[at + 4] = (place >>> 8) & 255;
  bytes[at + 5] = place & 255;
}
