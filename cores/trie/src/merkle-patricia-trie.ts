import { keccak256, keccak256To } from "@aios/core-keccak/keccak";
import { concat, fromHex, toHex } from "@aios/core-rlp/hex";
import { decodeRlp, encodeRlp } from "@aios/core-rlp/rlp";
import type { Bytes32 } from "@aios/kernel/identifiers";
import { EMPTY_TRIE_ROOT } from "./empty-hashes.js";
import { corruptTrie } from "./errors.js";
import { commonPrefix, fromNibbles, toNibbles } from "./nibbles.js";
import {
  type Branch,
  decodeStored,
  type Extension,
  HASH_BYTES,
  type Leaf,
  type LoadedNode,
  NodeEncoder,
  type NodeReference,
  newBranch,
  PLACE_BYTES,
  type TrieNode,
  writable,
} from "./trie-node.js";

/** Where trie nodes come from: what was stored, by keccak256 hash, with the place behind it where it was stored by that. */
export type NodeSource = (reference: Uint8Array) => Uint8Array | undefined;
/** Where new trie nodes go: RLP, with the places of its children behind it where they have some. */
export type NodeSink = (reference: Uint8Array, bytes: Uint8Array) => void;
/**
 * Gives each new node its place, a number that no other has, so that nodes of one commit can be stored beside each other:
 * hashes are all over. A root has none: it is always stored by its hash.
 */
export type NextPlace = () => number;

const EMPTY = new Uint8Array(0);

/**
 * Ethereum's Merkle Patricia trie (yellow paper, appendix D), hashed lazily: writes change nodes in memory and
 * `commit` hashes each changed node once. Committed nodes are never changed, so `fork` is free, and a fork that is
 * thrown away leaves no trace. What was loaded stays in memory, so that the next block finds the upper levels there.
 * Keys are used as given; a secure trie hashes them first. Cost of a write: one node load per level that is not loaded
 * yet; of a commit: one hash per changed node. Recursion goes as deep as the longest key has nibbles.
 */
export class MerklePatriciaTrie {
  #root: TrieNode | undefined;
  #loaded = 0;
  readonly #load: NodeSource;
  #encoder = new NodeEncoder();

  constructor(root: Bytes32, load: NodeSource) {
    this.#root = root === EMPTY_TRIE_ROOT ? undefined : fromHex(root);
    this.#load = load;
  }

  /** Nodes taken into memory so far, by this trie and those it was forked from: an upper bound of what it holds. */
  get loadedNodes(): number {
    return this.#loaded;
  }

  /** A trie of its own with the same content, sharing nodes. Only what was committed may be forked. */
  fork(): MerklePatriciaTrie {
    const out = new MerklePatriciaTrie(EMPTY_TRIE_ROOT, this.#load);
    if (isLoaded(this.#root) && this.#root.reference === undefined)
      throw new TypeError("A trie is committed before it is forked.");
    out.#root = this.#root;
    out.#loaded = this.#loaded;
    return out;
  }

  /**
   * Forgets what is loaded below `levels` branches from the root, and counts anew. Only for a trie whose nodes the
   * source has: the forgotten ones are loaded again when they are needed.
   */
  shrink(levels: number): void {
    this.#loaded = isLoaded(this.#root) ? shrinkBelow(this.#root, levels) : 0;
  }

  /** Throws `corrupt-trie` when a node on the way is missing or malformed, as every method does. */
  get(key: Uint8Array): Uint8Array | undefined {
    const path = toNibbles(key);
    let node = this.#loadRoot();
    let at = 0;
    while (node !== undefined) {
      if (node.kind === "leaf") return matches(node.path, path, at) ? node.value : undefined;
      if (node.kind === "extension") {
        if (commonPrefix(node.path, path, at) < node.path.length) return undefined;
        at += node.path.length;
        node = this.#childOf(node);
      } else {
        if (at === path.length) return node.value;
        node = this.#branchChild(node, path[at++] as number);
      }
    }
    return undefined;
  }

  /** An empty value removes the key. */
  put(key: Uint8Array, value: Uint8Array): void {
    const path = toNibbles(key);
    const root = this.#loadRoot();
    this.#root = value.length === 0 ? this.#remove(root, path, 0) : this.#insert(root, path, 0, value);
  }

  /** Hashes what changed, hands every new node to `store` and returns the root. When it throws, drop the trie. */
  commit(store: NodeSink, nextPlace?: NextPlace): Bytes32 {
    const steps = this.commitSteps(store, nextPlace);
    let step = steps.next();
    while (step.done !== true) step = steps.next();
    return step.value;
  }

  /**
   * As `commit`, in up to 16 steps of about the same length where much has changed. The trie is for nobody else until it
   * is done.
   */
  *commitSteps(store: NodeSink, nextPlace?: NextPlace): Generator<undefined, Bytes32> {
    const root = this.#root;
    if (root === undefined) return EMPTY_TRIE_ROOT;
    if (isLoaded(root) && root.kind === "branch" && root.reference === undefined) {
      for (const child of root.children) {
        if (!isLoaded(child) || child.reference !== undefined) continue;
        this.#reference(child, store, nextPlace);
        yield;
      }
    }
    const reference = this.#reference(root, store, nextPlace, true);
    // The next commit gets slabs of its own, so that nobody's nodes keep another's in memory.
    this.#encoder = new NodeEncoder();
    if (reference instanceof Uint8Array) return toHex(reference) as Bytes32;
    // A root is always named by its hash, however short it is.
    const rlp = encodeRlp(reference);
    const hash = keccak256(rlp);
    store(hash, rlp);
    return toHex(hash) as Bytes32;
  }

  /**
   * RLP of the committed nodes from the root to the key, or to where its absence shows (EIP-1186). Nodes that are
   * embedded in their parent are not listed.
   */
  proof(key: Uint8Array): Uint8Array[] {
    const path = toNibbles(key);
    const encoder = new NodeEncoder();
    const out: Uint8Array[] = [];
    let node = this.#loadRoot();
    let at = 0;
    while (node !== undefined) {
      const isListed = node.reference instanceof Uint8Array || (out.length === 0 && at === 0);
      if (node.reference !== undefined && isListed) out.push(encoder.encode(node));
      if (node.kind === "leaf") break;
      if (node.kind === "extension") {
        if (commonPrefix(node.path, path, at) < node.path.length) break;
        at += node.path.length;
        node = this.#childOf(node);
      } else {
        if (at === path.length) break;
        node = this.#branchChild(node, path[at++] as number);
      }
    }
    return out;
  }

  /** All entries in the order of their keys. Loads nodes as it goes. */
  *entries(): Generator<readonly [key: Uint8Array, value: Uint8Array]> {
    yield* this.#entriesBelow(this.#loadRoot(), EMPTY);
  }

  *#entriesBelow(
    node: LoadedNode | undefined,
    path: Uint8Array,
  ): Generator<readonly [key: Uint8Array, value: Uint8Array]> {
    if (node === undefined) return;
    if (node.kind === "leaf") yield [fromNibbles(concat(path, node.path)), node.value];
    else if (node.kind === "extension")
      yield* this.#entriesBelow(this.#childOf(node), concat(path, node.path));
    else {
      if (node.value !== undefined) yield [fromNibbles(path), node.value];
      for (let index = 0; index < 16; index++)
        yield* this.#entriesBelow(this.#branchChild(node, index), concat(path, Uint8Array.of(index)));
    }
  }

  #loadRoot(): LoadedNode | undefined {
    if (this.#root === undefined || isLoaded(this.#root)) return this.#root;
    const loaded = this.#fetch(this.#root);
    this.#root = loaded;
    return loaded;
  }

  #fetch(reference: Uint8Array): LoadedNode {
    const bytes = this.#load(reference);
    if (bytes === undefined) throw corruptTrie(`trie node ${toHex(reference)} is missing`);
    this.#loaded++;
    return decodeStored(bytes, reference);
  }

  // Loading a child changes a shared node's cache and not its content.
  #childOf(node: Extension): LoadedNode {
    if (isLoaded(node.child)) return node.child;
    const loaded = this.#fetch(node.child);
    node.child = loaded;
    return loaded;
  }

  #branchChild(node: Branch, index: number): LoadedNode | undefined {
    const child = node.children[index];
    if (child === undefined || isLoaded(child)) return child;
    const loaded = this.#fetch(child);
    node.children[index] = loaded;
    return loaded;
  }

  #leaf(path: Uint8Array, value: Uint8Array): Leaf {
    this.#loaded++;
    return { kind: "leaf", path, value, reference: undefined };
  }

  #extension(path: Uint8Array, child: TrieNode): Extension {
    this.#loaded++;
    return { kind: "extension", path, child, reference: undefined };
  }

  #insert(node: LoadedNode | undefined, path: Uint8Array, at: number, value: Uint8Array): LoadedNode {
    // Copies: a view would make V8 move the bytes of so small an array out of the heap.
    if (node === undefined) return this.#leaf(path.slice(at), value);
    if (node.kind === "branch") {
      const branch = writable(node);
      if (at === path.length) branch.value = value;
      else {
        const index = path[at] as number;
        branch.children[index] = this.#insert(this.#branchChild(node, index), path, at + 1, value);
      }
      return branch;
    }
    const shared = commonPrefix(node.path, path, at);
    if (shared === node.path.length) {
      if (node.kind === "extension")
        return this.#withChild(node, this.#insert(this.#childOf(node), path, at + shared, value));
      if (at + shared === path.length) return this.#leaf(node.path, value);
    }
    const fork = this.#split(node, shared, path, at, value);
    return shared === 0 ? fork : this.#extension(path.subarray(at, at + shared), fork);
  }

  #withChild(node: Extension, child: LoadedNode): Extension {
    if (node.reference !== undefined) return this.#extension(node.path, child);
    node.child = child;
    return node;
  }

  /** A branch at the end of the shared prefix, holding what was there and the new value. */
  #split(old: Leaf | Extension, shared: number, path: Uint8Array, at: number, value: Uint8Array): Branch {
    const branch = newBranch();
    this.#loaded++;
    const oldRest = old.path.subarray(shared);
    if (old.kind === "extension") {
      branch.children[oldRest[0] as number] =
        oldRest.length === 1 ? old.child : this.#extension(oldRest.subarray(1), old.child);
    } else if (oldRest.length === 0) branch.value = old.value;
    else branch.children[oldRest[0] as number] = this.#leaf(oldRest.subarray(1), old.value);
    const rest = path.slice(at + shared);
    if (rest.length === 0) branch.value = value;
    else branch.children[rest[0] as number] = this.#leaf(rest.slice(1), value);
    return branch;
  }

  /** The node without the key: the same object when the key was not there or a writable node was changed. */
  #remove(node: LoadedNode | undefined, path: Uint8Array, at: number): LoadedNode | undefined {
    if (node === undefined) return undefined;
    if (node.kind === "leaf") return matches(node.path, path, at) ? undefined : node;
    if (node.kind === "extension") {
      if (commonPrefix(node.path, path, at) < node.path.length) return node;
      const before = this.#childOf(node);
      const after = this.#remove(before, path, at + node.path.length);
      if (after === before) return node;
      return after === undefined ? undefined : this.#prepend(node.path, after);
    }
    if (at === path.length) {
      if (node.value === undefined) return node;
      const branch = writable(node);
      branch.value = undefined;
      return this.#collapse(branch);
    }
    const index = path[at] as number;
    const before = this.#branchChild(node, index);
    const after = this.#remove(before, path, at + 1);
    if (after === before) return node;
    const branch = writable(node);
    branch.children[index] = after;
    return after === undefined ? this.#collapse(branch) : branch;
  }

  /** A branch left with a single entry becomes a leaf or an extension. */
  #collapse(branch: Branch): LoadedNode | undefined {
    let only = -1;
    let occupied = 0;
    for (let index = 0; index < 16; index++) {
      if (branch.children[index] === undefined) continue;
      only = index;
      occupied++;
    }
    if (branch.value !== undefined) return occupied === 0 ? this.#leaf(EMPTY, branch.value) : branch;
    if (occupied > 1) return branch;
    const child = occupied === 0 ? undefined : this.#branchChild(branch, only);
    return child === undefined ? undefined : this.#prepend(Uint8Array.of(only), child);
  }

  #prepend(path: Uint8Array, node: LoadedNode): LoadedNode {
    if (node.kind === "branch") return this.#extension(path, node);
    const joined = concat(path, node.path);
    return node.kind === "leaf" ? this.#leaf(joined, node.value) : this.#extension(joined, node.child);
  }

  #reference(node: TrieNode, store: NodeSink, nextPlace?: NextPlace, isRoot = false): NodeReference {
    if (!isLoaded(node)) return node;
    if (node.reference !== undefined) return node.reference;
    if (node.kind === "extension") this.#reference(node.child, store, nextPlace);
    else if (node.kind === "branch") {
      const { children } = node;
      for (let index = 0; index < 16; index++) {
        const child = children[index];
        if (isLoaded(child) && child.reference === undefined) this.#reference(child, store, nextPlace);
      }
    }
    const bytes = this.#encoder.encodeStored(node);
    const { rlpLength } = this.#encoder;
    if (rlpLength < HASH_BYTES) node.reference = decodeRlp(bytes.slice());
    else {
      const reference = isRoot || nextPlace === undefined ? new Uint8Array(HASH_BYTES) : placed(nextPlace());
      keccak256To(bytes, 0, rlpLength, reference, 0);
      node.reference = reference;
      store(reference, bytes);
    }
    return node.reference;
  }
}

/** A reference with its place, whose hash is still to come. */
function placed(place: number): Uint8Array {
  const out = new Uint8Array(HASH_BYTES + PLACE_BYTES);
  for (let at = out.length - 1, rest = place; rest > 0; rest = Math.floor(rest / 256)) out[at--] = rest % 256;
  return out;
}

function isLoaded(node: TrieNode | undefined): node is LoadedNode {
  return node !== undefined && !(node instanceof Uint8Array);
}

/** Loaded nodes that are left. */
function shrinkBelow(node: LoadedNode, levels: number): number {
  if (node.kind === "leaf") return 1;
  if (node.kind === "extension") return 1 + (isLoaded(node.child) ? shrinkBelow(node.child, levels) : 0);
  let left = 1;
  for (let index = 0; index < 16; index++) {
    const child = node.children[index];
    if (!isLoaded(child)) continue;
    if (levels <= 1 && child.reference instanceof Uint8Array) node.children[index] = child.reference;
    else left += shrinkBelow(child, levels - 1);
  }
  return left;
}

function matches(own: Uint8Array, path: Uint8Array, at: number): boolean {
  return own.length === path.length - at && commonPrefix(own, path, at) === own.length;
}
