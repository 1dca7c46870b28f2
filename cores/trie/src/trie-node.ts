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
  /** 16 entries. */
  readonly children: (TrieNode | undefined)[];
  value: Uint8Array | undefined;
}
export type LoadedNode = Leaf | Extension | Branch;
/** A node in memory, or the hash of one that is not loaded. */
export type TrieNode = LoadedNode | Uint8Array;

export const HASH_BYTES = 32;
const CHILDREN = 16;
const EMPTY_ITEM = 0x80;
const HASH_ITEM = 0x80 + HASH_BYTES;
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

const SLAB_BYTES = 65_536;

/** Encodes nodes one behind the other in shared slabs: those of one commit are stored together and then forgotten. */
export class NodeEncoder {
  #slab = NO_BYTES;
  #used = 0;

  /** RLP of a node whose children have references. */
  encode(node: LoadedNode): Uint8Array {
    if (node.kind === "branch") return this.#branch(node);
    if (node.kind === "leaf") return this.#pair(node.path, true, node.value);
    return this.#pair(node.path, false, referenceOf(node.child));
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

  #pair(path: Uint8Array, isLeaf: boolean, rest: RlpItem): Uint8Array {
    if (!(rest instanceof Uint8Array)) return encodeRlp([compactPath(path, isLeaf), rest]);
    const pathBytes = compactLength(path);
    // A path of one byte is below 0x80 and its own encoding.
    const pathLength = pathBytes === 1 ? 1 : rlpHeaderLength(pathBytes) + pathBytes;
    const payload = pathLength + rlpLength(rest);
    const out = this.#take(rlpHeaderLength(payload) + payload);
    const at = writeRlpListHeader(out, 0, payload);
    const header = writeRlpBytesHeader(out, at, pathBytes);
    writeCompactPath(out, header, path, isLeaf);
    writeRlpBytes(out, at + pathLength, rest);
    return out;
  }

  #branch(branch: Branch): Uint8Array {
    const { children, value = NO_BYTES } = branch;
    let payload = rlpLength(value);
    for (let index = 0; index < CHILDREN; index++) {
      const child = children[index];
      payload += child === undefined ? 1 : rlpLength(referenceOf(child));
    }
    const out = this.#take(rlpHeaderLength(payload) + payload);
    let at = writeRlpListHeader(out, 0, payload);
    for (let index = 0; index < CHILDREN; index++) {
      const child = children[index];
      if (child === undefined) {
        out[at++] = EMPTY_ITEM;
        continue;
      }
      const reference = referenceOf(child);
      if (reference instanceof Uint8Array) {
        out[at] = HASH_ITEM;
        out.set(reference, at + 1);
        at += HASH_BYTES + 1;
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
