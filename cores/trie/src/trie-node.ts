import {
  decodeRlp,
  encodeRlp,
  type RlpItem,
  rlpBytes,
  rlpHeaderLength,
  rlpList,
  writeRlpListHeader,
} from "@aios/core-rlp/rlp";
import { corruptTrie } from "./errors.js";
import { compactPath, expandPath } from "./nibbles.js";

/** How a parent names a node: its hash, or its decoded self where its encoding is shorter than a hash. */
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
  /** Bit i: there is a child i. */
  occupied: number;
  /** 16 × 32 bytes: the hashes of children that are not loaded or have been committed with a hash. */
  readonly hashes: Uint8Array;
  /** Children in memory. */
  readonly loaded: (LoadedNode | undefined)[];
  value: Uint8Array | undefined;
}
/** A node that is known by its hash and not loaded. */
export interface Stored {
  readonly kind: "stored";
  readonly hash: Uint8Array;
}
export type LoadedNode = Leaf | Extension | Branch;
export type TrieNode = LoadedNode | Stored;

export const HASH_BYTES = 32;
const EMPTY = new Uint8Array(0);
const CHILDREN = 16;
const EMPTY_ITEM = 0x80;
const HASH_ITEM = 0x80 + HASH_BYTES;

export function newBranch(): Branch {
  return {
    kind: "branch",
    occupied: 0,
    hashes: new Uint8Array(CHILDREN * HASH_BYTES),
    loaded: new Array<LoadedNode | undefined>(CHILDREN).fill(undefined),
    value: undefined,
    reference: undefined,
  };
}

/** The branch itself when it may be changed, a copy of a committed one. */
export function writable(branch: Branch): Branch {
  if (branch.reference === undefined) return branch;
  return { ...branch, hashes: branch.hashes.slice(), loaded: branch.loaded.slice(), reference: undefined };
}

export function hashOf(branch: Branch, index: number): Uint8Array {
  return branch.hashes.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES);
}

export function setChild(branch: Branch, index: number, child: LoadedNode | undefined): void {
  branch.loaded[index] = child;
  if (child?.reference instanceof Uint8Array) branch.hashes.set(child.reference, index * HASH_BYTES);
  if (child === undefined) branch.occupied &= ~(1 << index);
  else branch.occupied |= 1 << index;
}

/** A branch whose children are hashes or absent, which nearly all are; `undefined` for any other node. */
function decodePlainBranch(rlp: Uint8Array, reference: NodeReference): Branch | undefined {
  const first = rlp[0] ?? 0;
  let at = first <= 0xf7 ? 1 : first - 0xf7 + 1;
  const branch = newBranch();
  for (let index = 0; index < CHILDREN; index++) {
    const prefix = rlp[at++];
    if (prefix === EMPTY_ITEM) continue;
    if (prefix !== HASH_ITEM) return undefined;
    if (at + HASH_BYTES > rlp.length) return undefined;
    branch.hashes.set(rlp.subarray(at, at + HASH_BYTES), index * HASH_BYTES);
    branch.occupied |= 1 << index;
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
    if (!(item instanceof Uint8Array)) setChild(branch, index, decodeItem(item, item));
    else if (item.length === HASH_BYTES) {
      branch.hashes.set(item, index * HASH_BYTES);
      branch.occupied |= 1 << index;
    } else if (item.length > 0) throw corruptTrie("a reference is malformed");
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
  return { kind: "extension", path, child: { kind: "stored", hash: rest }, reference };
}

/** Decodes the node with this hash. Throws `corrupt-trie`, `malformed-rlp`. */
export function decodeNode(rlp: Uint8Array, hash: Uint8Array): LoadedNode {
  return decodePlainBranch(rlp, hash) ?? decodeItem(decodeRlp(rlp), hash);
}

/** The encoding of a leaf or extension, from its path and what follows it. */
export function encodeShort(path: Uint8Array, isLeaf: boolean, rest: RlpItem): Uint8Array {
  return encodeRlp([compactPath(path, isLeaf), rest]);
}

/**
 * RLP of a branch whose children all have references. Written directly: branches are most of what a commit encodes.
 */
export function encodeBranch(branch: Branch): Uint8Array {
  const embedded: (Uint8Array | undefined)[] = [];
  let payload = 0;
  for (let index = 0; index < CHILDREN; index++) {
    if ((branch.occupied & (1 << index)) === 0) {
      payload += 1;
      continue;
    }
    const reference = branch.loaded[index]?.reference;
    if (reference === undefined || reference instanceof Uint8Array) payload += HASH_BYTES + 1;
    else {
      const rlp = encodeRlp(reference);
      embedded[index] = rlp;
      payload += rlp.length;
    }
  }
  const tail = encodeRlp(branch.value ?? EMPTY);
  payload += tail.length;
  const out = new Uint8Array(rlpHeaderLength(payload) + payload);
  let at = writeRlpListHeader(out, 0, payload);
  for (let index = 0; index < CHILDREN; index++) {
    const rlp = embedded[index];
    if (rlp !== undefined) {
      out.set(rlp, at);
      at += rlp.length;
    } else if ((branch.occupied & (1 << index)) === 0) out[at++] = EMPTY_ITEM;
    else {
      out[at] = HASH_ITEM;
      out.set(hashOf(branch, index), at + 1);
      at += HASH_BYTES + 1;
    }
  }
  out.set(tail, at);
  return out;
}
