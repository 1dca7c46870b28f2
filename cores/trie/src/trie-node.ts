import { concat } from "@aios/core-rlp/hex";
import {
  decodeRlp,
  encodeRlp,
  type RlpItem,
  rlpBytes,
  rlpHeaderLength,
  rlpLength,
  rlpList,
  writeRlpBytes,
  writeRlpBytesHeader,
  writeRlpListHeader,
} from "@aios/core-rlp/rlp";
import { corruptTrie } from "./errors.js";
import { compactLength, compactPath, expandPath, writeCompactPath } from "./nibbles.js";

/**
 * How a parent names a node: its hash, or its decoded self where its encoding is shorter than a hash. Behind the hash is
 * the node's place, where it is stored by that.
 */
export type NodeReference = RlpItem;

/** A node with a reference is committed: it may be shared and is never changed. Without one it belongs to one trie. */
interface Referenced {
  reference: NodeReference | undefined;
}
export interface Leaf extends Referenced {
  readonly kind: "leaf";
  readonly path: Uint8Array;
  readonly value: Uint8Array;
}
export interface Extension extends Referenced {
  readonly kind: "extension";
  readonly path: Uint8Array;
  child: TrieNode;
}
export interface Branch extends Referenced {
  readonly kind: "branch";
  /** 16 entries. */
  readonly children: (TrieNode | undefined)[];
  value: Uint8Array | undefined;
}
export type LoadedNode = Leaf | Extension | Branch;
/** A node in memory, or the hash, with the place behind it where it has one, of a node that is not loaded. */
export type TrieNode = LoadedNode | Uint8Array;

export const HASH_BYTES = 32;
/** A number from 1 on, big endian. */
export const PLACE_BYTES = 6;
const CHILDREN = 16;
const EMPTY_ITEM = 0x80;
const HASH_ITEM = 0x80 + HASH_BYTES;
const FIRST_LIST = 0xc0;
const LAST_SHORT_LIST = 0xf7;
const NO_BYTES = new Uint8Array(0);

export function newBranch(): Branch {
  return {
    kind: "branch",
    children: new Array<TrieNode | undefined>(CHILDREN).fill(undefined),
    value: undefined,
    reference: undefined,
  };
}

/** The branch itself when it may be changed, a copy of a committed one. */
export function writable(branch: Branch): Branch {
  if (branch.reference === undefined) return branch;
  return { kind: "branch", children: branch.children.slice(), value: branch.value, reference: undefined };
}

/** A branch whose children are hashes or absent, which nearly all are; `undefined` for any other node. */
function decodePlainBranch(rlp: Uint8Array, reference: NodeReference): Branch | undefined {
  const first = rlp[0] ?? 0;
  let at = first <= 0xf7 ? 1 : first - 0xf7 + 1;
  const branch = newBranch();
  for (let index = 0; index < CHILDREN; index++) {
    const prefix = rlp[at++];
    if (prefix === EMPTY_ITEM) continue;
    if (prefix !== HASH_ITEM || at + HASH_BYTES > rlp.length) return undefined;
    branch.children[index] = rlp.slice(at, at + HASH_BYTES);
    at += HASH_BYTES;
  }
  if (at !== rlp.length - 1 || rlp[at] !== EMPTY_ITEM) return undefined;
  branch.reference = reference;
  return branch;
}

function decodeBranch(fields: readonly RlpItem[], reference: NodeReference): Branch {
  const branch = newBranch();
  for (let index = 0; index < CHILDREN; index++) {
    const item = fields[index] as RlpItem;
    if (!(item instanceof Uint8Array)) branch.children[index] = decodeItem(item, item);
    else if (item.length === HASH_BYTES) branch.children[index] = item;
    else if (item.length > 0) throw corruptTrie("a reference is malformed");
  }
  const value = rlpBytes(fields[CHILDREN]);
  branch.value = value.length === 0 ? undefined : value;
  branch.reference = reference;
  return branch;
}

function decodeItem(item: RlpItem, reference: NodeReference): LoadedNode {
  const fields = rlpList(item);
  if (fields.length === CHILDREN + 1) return decodeBranch(fields, reference);
  if (fields.length !== 2) throw corruptTrie("a node has the wrong number of fields");
  const { path, isLeaf } = expandPath(rlpBytes(fields[0]));
  const rest = fields[1] as RlpItem;
  if (isLeaf) return { kind: "leaf", path, value: rlpBytes(rest), reference };
  if (!(rest instanceof Uint8Array))
    return { kind: "extension", path, child: decodeItem(rest, rest), reference };
  if (rest.length !== HASH_BYTES) throw corruptTrie("an extension leads nowhere");
  return { kind: "extension", path, child: rest, reference };
}

/** Decodes the node with this hash. Throws `corrupt-trie`, `malformed-rlp`. */
export function decodeNode(rlp: Uint8Array, hash: Uint8Array): LoadedNode {
  return decodePlainBranch(rlp, hash) ?? decodeItem(decodeRlp(rlp), hash);
}

/** Decodes a node as `NodeEncoder.encodeStored` gives it. Throws `corrupt-trie`, `malformed-rlp`. */
export function decodeStored(bytes: Uint8Array, reference: Uint8Array): LoadedNode {
  const end = rlpEnd(bytes);
  if (end >= bytes.length) return decodeNode(bytes, reference);
  const node = decodeNode(bytes.subarray(0, end), reference);
  let at = end;
  const placed = (child: TrieNode): TrieNode => {
    if (!(child instanceof Uint8Array)) return child;
    const place = bytes.subarray(at, at + PLACE_BYTES);
    at += PLACE_BYTES;
    return place.every((byte) => byte === 0) ? child : concat(child, place);
  };
  if (node.kind === "extension") node.child = placed(node.child);
  else if (node.kind === "branch")
    node.children.forEach((child, index) => {
      if (child !== undefined) node.children[index] = placed(child);
    });
  if (at !== bytes.length) throw corruptTrie("the places of a node's children are not as many as these");
  return node;
}

/** Where the list at the beginning ends. */
function rlpEnd(bytes: Uint8Array): number {
  const first = bytes[0] ?? 0;
  if (first <= LAST_SHORT_LIST) return 1 + Math.max(0, first - FIRST_LIST);
  const start = 1 + first - LAST_SHORT_LIST;
  let length = 0;
  for (let at = 1; at < start; at++) length = length * 256 + (bytes[at] ?? 0);
  return start + length;
}

const SLAB_BYTES = 65_536;

/** Encodes nodes one behind the other in shared slabs: those of one commit are stored together and then forgotten. */
export class NodeEncoder {
  #slab = NO_BYTES;
  #used = 0;
  /** Of the node that was encoded last, without what `encodeStored` puts behind it. */
  rlpLength = 0;

  /** RLP of a node whose children have references. */
  encode(node: LoadedNode): Uint8Array {
    return this.#encode(node, false);
  }

  /** As `encode`, and behind it the places of its children in their order, where one has one: zeros for those without. */
  encodeStored(node: LoadedNode): Uint8Array {
    return this.#encode(node, true);
  }

  #encode(node: LoadedNode, isStored: boolean): Uint8Array {
    if (node.kind === "branch") return this.#branch(node, isStored);
    if (node.kind === "leaf") return this.#pair(node.path, true, node.value, NO_BYTES);
    const reference = referenceOf(node.child);
    if (!(reference instanceof Uint8Array)) return this.#pair(node.path, false, reference, NO_BYTES);
    const place = isStored ? reference.subarray(HASH_BYTES) : NO_BYTES;
    return this.#pair(node.path, false, reference.subarray(0, HASH_BYTES), place);
  }

  #take(bytes: number): Uint8Array {
    if (bytes > SLAB_BYTES) return new Uint8Array(bytes);
    if (this.#used + bytes > this.#slab.length) {
      this.#slab = new Uint8Array(SLAB_BYTES);
      this.#used = 0;
    }
    const out = this.#slab.subarray(this.#used, this.#used + bytes);
    this.#used += bytes;
    return out;
  }

  #pair(path: Uint8Array, isLeaf: boolean, rest: RlpItem, place: Uint8Array): Uint8Array {
    if (!(rest instanceof Uint8Array)) {
      const rlp = encodeRlp([compactPath(path, isLeaf), rest]);
      this.rlpLength = rlp.length;
      return rlp;
    }
    const pathBytes = compactLength(path);
    // A path of one byte is below 0x80 and its own encoding.
    const pathLength = pathBytes === 1 ? 1 : rlpHeaderLength(pathBytes) + pathBytes;
    const payload = pathLength + rlpLength(rest);
    this.rlpLength = rlpHeaderLength(payload) + payload;
    const out = this.#take(this.rlpLength + place.length);
    const at = writeRlpListHeader(out, 0, payload);
    const header = writeRlpBytesHeader(out, at, pathBytes);
    writeCompactPath(out, header, path, isLeaf);
    writeRlpBytes(out, at + pathLength, rest);
    if (place.length > 0) out.set(place, this.rlpLength);
    return out;
  }

  #branch(branch: Branch, isStored: boolean): Uint8Array {
    const { children, value = NO_BYTES } = branch;
    let payload = rlpLength(value);
    let hashes = 0;
    let hasPlace = false;
    for (let index = 0; index < CHILDREN; index++) {
      const child = children[index];
      const reference = child === undefined ? NO_BYTES : referenceOf(child);
      if (child === undefined) payload += 1;
      else if (reference instanceof Uint8Array) {
        payload += HASH_BYTES + 1;
        hashes++;
        hasPlace ||= reference.length > HASH_BYTES;
      } else payload += rlpLength(reference);
    }
    this.rlpLength = rlpHeaderLength(payload) + payload;
    const places = isStored && hasPlace ? hashes * PLACE_BYTES : 0;
    const out = this.#take(this.rlpLength + places);
    let at = writeRlpListHeader(out, 0, payload);
    let placeAt = this.rlpLength;
    for (let index = 0; index < CHILDREN; index++) {
      const child = children[index];
      if (child === undefined) {
        out[at++] = EMPTY_ITEM;
        continue;
      }
      const reference = referenceOf(child);
      if (reference instanceof Uint8Array) {
        out[at++] = HASH_ITEM;
        for (let i = 0; i < HASH_BYTES; i++) out[at++] = reference[i] as number;
        if (places === 0) continue;
        // Slabs are zeroed, so a child without a place needs none.
        for (let i = HASH_BYTES; i < reference.length; i++)
          out[placeAt + i - HASH_BYTES] = reference[i] as number;
        placeAt += PLACE_BYTES;
      } else {
        const rlp = encodeRlp(reference);
        out.set(rlp, at);
        at += rlp.length;
      }
    }
    writeRlpBytes(out, at, value);
    return out;
  }
}

function referenceOf(node: TrieNode): NodeReference {
  if (node instanceof Uint8Array) return node;
  if (node.reference === undefined) throw corruptTrie("a node is encoded before its children");
  return node.reference;
}
