import { equalBytes, fromHex, toHex } from "@aios/core-rlp/hex";
import { decodeRlp, encodeRlp, type RlpItem, rlpBytes, rlpList } from "@aios/core-rlp/rlp";
import type { Bytes32 } from "@aios/kernel/identifiers";
import { corruptStore } from "./errors.js";
import { EMPTY_TRIE_ROOT, keccak256 } from "./keccak.js";

/** Where trie nodes come from: RLP by keccak256 hash. */
export type NodeSource = (hash: Bytes32) => Uint8Array | undefined;

interface Leaf {
  readonly kind: "leaf";
  readonly path: Uint8Array;
  readonly value: Uint8Array;
}
interface Extension {
  readonly kind: "extension";
  readonly path: Uint8Array;
  readonly child: TrieNode;
}
interface Branch {
  readonly kind: "branch";
  readonly children: readonly (TrieNode | undefined)[];
  readonly value: Uint8Array | undefined;
}
interface Stored {
  readonly kind: "stored";
  readonly hash: Uint8Array;
}
type Loaded = Leaf | Extension | Branch;
type TrieNode = Loaded | Stored;

const EMPTY = new Uint8Array(0);

function toNibbles(key: Uint8Array): Uint8Array {
  const out = new Uint8Array(key.length * 2);
  for (let i = 0; i < key.length; i++) {
    out[i * 2] = (key[i] as number) >> 4;
    out[i * 2 + 1] = (key[i] as number) & 15;
  }
  return out;
}

/** Hex-prefix encoding (yellow paper, appendix C). */
function compactPath(path: Uint8Array, isLeaf: boolean): Uint8Array {
  const odd = path.length % 2;
  const out = new Uint8Array((path.length >> 1) + 1);
  out[0] = (isLeaf ? 0x20 : 0) | (odd === 1 ? 0x10 | (path[0] as number) : 0);
  for (let i = odd; i < path.length; i += 2) {
    out[(i >> 1) + 1] = ((path[i] as number) << 4) | (path[i + 1] as number);
  }
  return out;
}

function expandPath(bytes: Uint8Array): { readonly path: Uint8Array; readonly isLeaf: boolean } {
  const flags = bytes[0];
  if (flags === undefined || flags > 0x3f) throw corruptStore("a trie path is malformed");
  const nibbles = toNibbles(bytes);
  return { path: nibbles.subarray((flags & 0x10) !== 0 ? 1 : 2), isLeaf: (flags & 0x20) !== 0 };
}

function decodeChild(item: RlpItem): TrieNode | undefined {
  if (!(item instanceof Uint8Array)) return decodeNode(item);
  if (item.length === 0) return undefined;
  if (item.length !== 32) throw corruptStore("a trie reference is malformed");
  return { kind: "stored", hash: item };
}

function decodeNode(item: RlpItem): Loaded {
  const fields = rlpList(item);
  if (fields.length === 17) {
    const value = rlpBytes(fields[16]);
    return {
      kind: "branch",
      children: fields.slice(0, 16).map(decodeChild),
      value: value.length === 0 ? undefined : value,
    };
  }
  if (fields.length !== 2) throw corruptStore("a trie node is malformed");
  const { path, isLeaf } = expandPath(rlpBytes(fields[0]));
  if (isLeaf) return { kind: "leaf", path, value: rlpBytes(fields[1]) };
  const child = decodeChild(fields[1] as RlpItem);
  if (child === undefined) throw corruptStore("a trie extension leads nowhere");
  return { kind: "extension", path, child };
}

function commonPrefix(a: Uint8Array, b: Uint8Array): number {
  const limit = Math.min(a.length, b.length);
  let i = 0;
  while (i < limit && a[i] === b[i]) i++;
  return i;
}

function joinPaths(...parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/**
 * Ethereum's Merkle Patricia trie (yellow paper, appendix D), persistent and hashed lazily: writes build new nodes
 * along their path, and hashing happens once for all of them in `commit`. Keys are used as given; a secure trie
 * hashes them first. Cost of a write: one node load per level that is not loaded yet.
 */
export class MerklePatriciaTrie {
  #root: TrieNode | undefined;
  readonly #load: NodeSource;

  constructor(root: Bytes32, load: NodeSource) {
    this.#root = root === EMPTY_TRIE_ROOT ? undefined : { kind: "stored", hash: fromHex(root) };
    this.#load = load;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    let node = this.#root;
    let path = toNibbles(key);
    while (node !== undefined) {
      const loaded: Loaded = this.#resolve(node);
      if (loaded.kind === "leaf") return equalBytes(loaded.path, path) ? loaded.value : undefined;
      if (loaded.kind === "extension") {
        if (commonPrefix(loaded.path, path) < loaded.path.length) return undefined;
        path = path.subarray(loaded.path.length);
        node = loaded.child;
      } else {
        if (path.length === 0) return loaded.value;
        node = loaded.children[path[0] as number];
        path = path.subarray(1);
      }
    }
    return undefined;
  }

  /** An empty value removes the key. */
  put(key: Uint8Array, value: Uint8Array): void {
    const path = toNibbles(key);
    this.#root = value.length === 0 ? this.#remove(this.#root, path) : this.#insert(this.#root, path, value);
  }

  /** Hashes what changed. Hands every new node to `store` and returns the root. */
  commit(store: (hash: Bytes32, rlp: Uint8Array) => void): Bytes32 {
    if (this.#root === undefined) return EMPTY_TRIE_ROOT;
    if (this.#root.kind === "stored") return toHex(this.#root.hash) as Bytes32;
    const rlp = encodeRlp(this.#encode(this.#root, store));
    const hash = keccak256(rlp);
    const root = toHex(hash) as Bytes32;
    store(root, rlp);
    this.#root = { kind: "stored", hash };
    return root;
  }

  /** RLP of the nodes from the root to the key, or to where its absence shows. */
  proof(key: Uint8Array): Uint8Array[] {
    const out: Uint8Array[] = [];
    let node = this.#root;
    let path = toNibbles(key);
    while (node !== undefined) {
      if (node.kind === "stored") out.push(this.#fetch(node.hash));
      const loaded: Loaded = this.#resolve(node);
      if (loaded.kind === "leaf") break;
      if (loaded.kind === "extension") {
        if (commonPrefix(loaded.path, path) < loaded.path.length) break;
        path = path.subarray(loaded.path.length);
        node = loaded.child;
      } else {
        if (path.length === 0) break;
        node = loaded.children[path[0] as number];
        path = path.subarray(1);
      }
    }
    return out;
  }

  #fetch(hash: Uint8Array): Uint8Array {
    const rlp = this.#load(toHex(hash) as Bytes32);
    if (rlp === undefined) throw corruptStore(`trie node ${toHex(hash)} is missing`);
    return rlp;
  }

  #resolve(node: TrieNode): Loaded {
    return node.kind === "stored" ? decodeNode(decodeRlp(this.#fetch(node.hash))) : node;
  }

  #insert(node: TrieNode | undefined, path: Uint8Array, value: Uint8Array): TrieNode {
    if (node === undefined) return { kind: "leaf", path, value };
    const loaded = this.#resolve(node);
    if (loaded.kind === "branch") {
      if (path.length === 0) return { ...loaded, value };
      const children = [...loaded.children];
      const index = path[0] as number;
      children[index] = this.#insert(children[index], path.subarray(1), value);
      return { ...loaded, children };
    }
    const shared = commonPrefix(loaded.path, path);
    if (shared === loaded.path.length) {
      if (loaded.kind === "extension") {
        return { ...loaded, child: this.#insert(loaded.child, path.subarray(shared), value) };
      }
      if (shared === path.length) return { kind: "leaf", path, value };
    }
    const fork = this.#fork(loaded, shared, path, value);
    return shared === 0 ? fork : { kind: "extension", path: path.subarray(0, shared), child: fork };
  }

  /** A branch at the end of the shared prefix, holding what was there and the new value. */
  #fork(old: Leaf | Extension, shared: number, path: Uint8Array, value: Uint8Array): Branch {
    const children: (TrieNode | undefined)[] = new Array<TrieNode | undefined>(16).fill(undefined);
    let own: Uint8Array | undefined;
    const oldRest = old.path.subarray(shared);
    if (oldRest.length === 0) {
      own = (old as Leaf).value;
    } else if (old.kind === "leaf") {
      children[oldRest[0] as number] = { kind: "leaf", path: oldRest.subarray(1), value: old.value };
    } else {
      children[oldRest[0] as number] =
        oldRest.length === 1 ? old.child : { kind: "extension", path: oldRest.subarray(1), child: old.child };
    }
    const rest = path.subarray(shared);
    if (rest.length === 0) own = value;
    else children[rest[0] as number] = { kind: "leaf", path: rest.subarray(1), value };
    return { kind: "branch", children, value: own };
  }

  #remove(node: TrieNode | undefined, path: Uint8Array): TrieNode | undefined {
    if (node === undefined) return undefined;
    const loaded = this.#resolve(node);
    if (loaded.kind === "leaf") return equalBytes(loaded.path, path) ? undefined : node;
    if (loaded.kind === "extension") {
      if (commonPrefix(loaded.path, path) < loaded.path.length) return node;
      const child = this.#remove(loaded.child, path.subarray(loaded.path.length));
      if (child === loaded.child) return node;
      return child === undefined ? undefined : this.#prepend(loaded.path, child);
    }
    if (path.length === 0) {
      return loaded.value === undefined ? node : this.#collapse({ ...loaded, value: undefined });
    }
    const index = path[0] as number;
    const before = loaded.children[index];
    const after = this.#remove(before, path.subarray(1));
    if (after === before) return node;
    const children = [...loaded.children];
    children[index] = after;
    return this.#collapse({ ...loaded, children });
  }

  /** A branch left with a single entry becomes a leaf or an extension. */
  #collapse(branch: Branch): TrieNode | undefined {
    const used: number[] = [];
    for (let i = 0; i < 16; i++) if (branch.children[i] !== undefined) used.push(i);
    if (branch.value !== undefined) {
      return used.length === 0 ? { kind: "leaf", path: EMPTY, value: branch.value } : branch;
    }
    if (used.length > 1) return branch;
    const only = used[0];
    return only === undefined
      ? undefined
      : this.#prepend(Uint8Array.of(only), branch.children[only] as TrieNode);
  }

  #prepend(path: Uint8Array, node: TrieNode): TrieNode {
    const loaded = this.#resolve(node);
    if (loaded.kind === "branch") return { kind: "extension", path, child: node };
    return { ...loaded, path: joinPaths(path, loaded.path) };
  }

  #encode(node: Loaded, store: (hash: Bytes32, rlp: Uint8Array) => void): RlpItem {
    if (node.kind === "leaf") return [compactPath(node.path, true), node.value];
    if (node.kind === "extension") return [compactPath(node.path, false), this.#reference(node.child, store)];
    return [
      ...node.children.map((child) => (child === undefined ? EMPTY : this.#reference(child, store))),
      node.value ?? EMPTY,
    ];
  }

  /** A node shorter than a hash is embedded in its parent. */
  #reference(node: TrieNode, store: (hash: Bytes32, rlp: Uint8Array) => void): RlpItem {
    if (node.kind === "stored") return node.hash;
    const item = this.#encode(node, store);
    const rlp = encodeRlp(item);
    if (rlp.length < 32) return item;
    const hash = keccak256(rlp);
    store(toHex(hash) as Bytes32, rlp);
    return hash;
  }
}

/** Root of the trie that a block commits to for an ordered list: keys are RLP indexes. */
export function orderedTrieRoot(values: readonly Uint8Array[]): Bytes32 {
  const trie = new MerklePatriciaTrie(EMPTY_TRIE_ROOT, () => undefined);
  values.forEach((value, index) => {
    const hex = index.toString(16);
    const key = index === 0 ? EMPTY : fromHex(`0x${hex.length % 2 === 0 ? hex : `0${hex}`}`);
    trie.put(encodeRlp(key), value);
  });
  return trie.commit(() => {});
}
