import { concat, fromHex, toHex } from "@aios/core-rlp/hex";
import type { Bytes32 } from "@aios/kernel/identifiers";
import { EMPTY_TRIE_ROOT } from "./empty-hashes.js";
import { corruptTrie } from "./errors.js";
import { NewNodes } from "./new-nodes.js";
import { commonPrefix, fromNibbles, nibbleAt, packNibbles, toNibbles } from "./nibbles.js";
import { lowestBit, type NextPlace, NodeEncoder } from "./node-encoder.js";
import { takeNode } from "./read-node.js";
import { SlabWriter } from "./slab.js";
import {
  BRANCH,
  Branch,
  childReference,
  EXTENSION,
  Extension,
  HASH_BYTES,
  isEmbedded,
  LEAF,
  Leaf,
  leafHas,
  leafKey,
  leafValue,
  moveNode,
  nodeRlp,
  pathLeadsTo,
  referenceAt,
  sharedEnd,
  slabOf,
  type TrieNode,
  writable,
} from "./trie-node.js";

/**
 * Where trie nodes come from: what was stored, by keccak256 hash, with the place behind it where it was stored by that.
 * What it gives is copied before it is asked again.
 */
export type NodeSource = (reference: Uint8Array) => Uint8Array | undefined;
/** Where new trie nodes go: RLP, with the places of its children behind it where they have some. */
export type NodeSink = (reference: Uint8Array, bytes: Uint8Array) => void;

const EMPTY = new Uint8Array(0);

/**
 * Ethereum's Merkle Patricia trie (yellow paper, appendix D), hashed lazily: writes change nodes in memory and
 * `commit` hashes each changed node once. Committed nodes are never changed, so `fork` is free, and a fork that is
 * thrown away leaves no trace. What was loaded stays in memory, so that the next block finds the upper levels there:
 * encoded, as it is stored and hashed. Keys are used as given; a secure trie hashes them first. Cost of a write: one node
 * load per level that is not loaded yet; of a commit: one copy and one hash per changed node. Recursion goes as deep as
 * the longest key has nibbles.
 */
export class MerklePatriciaTrie {
  #root: TrieNode | undefined;
  /** Of a root that is not loaded. */
  #rootHash: Uint8Array | undefined;
  #nodes = 0;
  readonly #load: NodeSource;
  readonly #taken = new SlabWriter();

  constructor(root: Bytes32, load: NodeSource) {
    this.#rootHash = root === EMPTY_TRIE_ROOT ? undefined : fromHex(root);
    this.#load = load;
  }

  /** Nodes loaded and made so far, by this trie and those it was forked from: an upper bound of what it holds. */
  get loadedNodes(): number {
    return this.#nodes;
  }

  /** A trie of its own with the same content, sharing nodes. Only what was committed may be forked. */
  fork(): MerklePatriciaTrie {
    const out = new MerklePatriciaTrie(EMPTY_TRIE_ROOT, this.#load);
    if (this.#root?.isCommitted === false) throw new TypeError("A trie is committed before it is forked.");
    out.#root = this.#root;
    out.#rootHash = this.#rootHash;
    out.#nodes = this.#nodes;
    return out;
  }

  /**
   * Forgets what is loaded below `levels` branches from the root, and counts anew. Only for a trie whose nodes the
   * source has: the forgotten ones are loaded again when they are needed. The others move together, so that memory in
   * which hardly a node is left is given back.
   */
  shrink(levels: number): void {
    this.#nodes = this.#root === undefined ? 0 : shrinkBelow(this.#root, levels, new SlabWriter());
  }

  /** Throws `corrupt-trie` when a node on the way is missing or malformed, as every method does. */
  get(key: Uint8Array): Uint8Array | undefined {
    let node = this.#loadRoot();
    for (let depth = 0; node !== undefined; ) {
      if (node.kind === LEAF) return leafHas(node, key, depth) ? leafValue(node) : undefined;
      if (node.kind === EXTENSION) {
        if (!pathLeadsTo(node.path, key, depth)) return undefined;
        depth += node.path.length;
        node = this.#childOf(node);
      } else {
        if (depth === key.length * 2) return node.value;
        node = this.#branchChild(node, nibbleAt(key, depth++));
      }
    }
    return undefined;
  }

  /** An empty value removes the key. Neither array may change before the next commit. */
  put(key: Uint8Array, value: Uint8Array): void {
    const root = this.#loadRoot();
    this.#root = value.length === 0 ? this.#remove(root, key, 0) : this.#insert(root, key, 0, value);
    this.#rootHash = undefined;
  }

  /** Hashes what changed, hands every new node to `store` and returns the root. When it throws, drop the trie. */
  commit(store: NodeSink, nextPlace?: NextPlace): Bytes32 {
    const nodes = new NewNodes();
    const steps = this.commitSteps(nodes, nextPlace);
    let step = steps.next();
    while (step.done !== true) step = steps.next();
    for (const { reference, bytes } of nodes) store(reference, bytes);
    return step.value;
  }

  /**
   * As `commit`, in up to 16 steps of about the same length where much has changed. The trie is for nobody else until it
   * is done.
   */
  *commitSteps(nodes: NewNodes, nextPlace?: NextPlace): Generator<undefined, Bytes32> {
    const root = this.#root;
    if (root === undefined) return this.#rootHash === undefined ? EMPTY_TRIE_ROOT : hashOf(this.#rootHash);
    const before = nodes.length;
    // Each commit gets slabs of its own, so that nobody's nodes keep another's in memory.
    const encoder = new NodeEncoder(nodes, nextPlace);
    if (root.kind === BRANCH && !root.isCommitted) {
      for (let rest = root.changed; rest !== 0; rest &= rest - 1) {
        const child = root.children[lowestBit(rest)];
        if (child === undefined || child.isCommitted) continue;
        commitNode(child, 1, encoder);
        yield;
      }
    }
    commitNode(root, 0, encoder, true);
    this.#nodes += nodes.length - before;
    const at = referenceAt(root);
    return hashOf(slabOf(root).bytes.subarray(at, at + HASH_BYTES));
  }

  /**
   * RLP of the committed nodes from the root to the key, or to where its absence shows (EIP-1186). Nodes that are
   * embedded in their parent are not listed.
   */
  proof(key: Uint8Array): Uint8Array[] {
    const out: Uint8Array[] = [];
    let node = this.#loadRoot();
    for (let depth = 0; node !== undefined; ) {
      if (node.isCommitted && (depth === 0 || !isEmbedded(node))) out.push(nodeRlp(node));
      if (node.kind === LEAF) break;
      if (node.kind === EXTENSION) {
        if (!pathLeadsTo(node.path, key, depth)) break;
        depth += node.path.length;
        node = this.#childOf(node);
      } else {
        if (depth === key.length * 2) break;
        node = this.#branchChild(node, nibbleAt(key, depth++));
      }
    }
    return out;
  }

  /** All entries in the order of their keys. Loads nodes as it goes. */
  *entries(): Generator<readonly [key: Uint8Array, value: Uint8Array]> {
    yield* this.#entriesBelow(this.#loadRoot(), EMPTY);
  }

  *#entriesBelow(
    node: TrieNode | undefined,
    path: Uint8Array,
  ): Generator<readonly [key: Uint8Array, value: Uint8Array]> {
    if (node === undefined) return;
    if (node.kind === LEAF) yield [leafKey(node, packNibbles(path), path.length), leafValue(node)];
    else if (node.kind === EXTENSION) yield* this.#entriesBelow(this.#childOf(node), concat(path, node.path));
    else {
      if (node.value !== undefined) yield [fromNibbles(path), node.value];
      for (let index = 0; index < 16; index++)
        yield* this.#entriesBelow(this.#branchChild(node, index), concat(path, Uint8Array.of(index)));
    }
  }

  #loadRoot(): TrieNode | undefined {
    if (this.#root !== undefined || this.#rootHash === undefined) return this.#root;
    this.#root = this.#fetch(this.#rootHash);
    return this.#root;
  }

  #fetch(reference: Uint8Array): TrieNode {
    const bytes = this.#load(reference);
    if (bytes === undefined) throw corruptTrie(`trie node ${toHex(reference)} is missing`);
    this.#nodes++;
    return takeNode(this.#taken, bytes, reference);
  }

  // Loading a child changes a shared node's cache and not its content.
  #childOf(node: Extension): TrieNode {
    node.child ??= this.#fetch(childReference(node));
    return node.child;
  }

  #branchChild(node: Branch, index: number): TrieNode | undefined {
    const child = node.children[index];
    if (child !== undefined || ((node.mask >> index) & 1) === 0) return child;
    const loaded = this.#fetch(childReference(node, index));
    node.children[index] = loaded;
    return loaded;
  }

  #insert(node: TrieNode | undefined, key: Uint8Array, depth: number, value: Uint8Array): TrieNode {
    if (node === undefined) return new Leaf(key, value);
    if (node.kind === BRANCH) {
      const isHere = depth === key.length * 2;
      const index = isHere ? 0 : nibbleAt(key, depth);
      // Loaded before the branch is copied, so that others find it there.
      const child = isHere ? undefined : this.#branchChild(node, index);
      const branch = writable(node);
      if (isHere) branch.value = value;
      else branch.set(index, this.#insert(child, key, depth + 1, value));
      return branch;
    }
    if (node.kind === EXTENSION) {
      if (!pathLeadsTo(node.path, key, depth)) return this.#splitExtension(node, key, depth, value);
      const below = this.#insert(this.#childOf(node), key, depth + node.path.length, value);
      return withChild(node, below);
    }
    if (!leafHas(node, key, depth)) return splitLeaf(node, key, depth, value);
    if (node.isCommitted) return new Leaf(key, value);
    node.value = value;
    return node;
  }

  /** A branch where the key leaves the path, below what they share. */
  #splitExtension(old: Extension, key: Uint8Array, depth: number, value: Uint8Array): TrieNode {
    const { path } = old;
    const shared = commonPrefix(path, toNibbles(key), depth);
    const branch = new Branch();
    const child = this.#childOf(old);
    const rest = path.slice(shared + 1);
    branch.set(path[shared] as number, rest.length === 0 ? child : new Extension(rest, child));
    addEntry(branch, key, depth + shared, value);
    return shared === 0 ? branch : new Extension(path.slice(0, shared), branch);
  }

  /** The node without the key: the same object when the key was not there or a writable node was changed. */
  #remove(node: TrieNode | undefined, key: Uint8Array, depth: number): TrieNode | undefined {
    if (node === undefined) return undefined;
    if (node.kind === LEAF) return leafHas(node, key, depth) ? undefined : node;
    if (node.kind === EXTENSION) {
      if (!pathLeadsTo(node.path, key, depth)) return node;
      const before = this.#childOf(node);
      const after = this.#remove(before, key, depth + node.path.length);
      if (after === before) return node;
      return after === undefined ? undefined : this.#prepend(node.path, after);
    }
    if (depth === key.length * 2) {
      if (node.value === undefined) return node;
      const branch = writable(node);
      branch.value = undefined;
      return this.#collapse(branch, key, depth);
    }
    const index = nibbleAt(key, depth);
    const before = this.#branchChild(node, index);
    const after = this.#remove(before, key, depth + 1);
    if (after === before) return node;
    const branch = writable(node);
    branch.set(index, after);
    return after === undefined ? this.#collapse(branch, key, depth) : branch;
  }

  /** A branch left with a single entry becomes a leaf or an extension. `key` leads to it. */
  #collapse(branch: Branch, key: Uint8Array, depth: number): TrieNode | undefined {
    const { mask, value } = branch;
    if (value !== undefined) return mask === 0 ? new Leaf(key.slice(0, depth >> 1), value) : branch;
    if (mask === 0) return undefined;
    if ((mask & (mask - 1)) !== 0) return branch;
    const only = lowestBit(mask);
    const child = this.#branchChild(branch, only) as TrieNode;
    if (child.kind !== LEAF) return this.#prepend(Uint8Array.of(only), child);
    return new Leaf(leafKey(child, withNibble(key, depth, only), depth + 1), leafValue(child));
  }

  /** A leaf has its whole key already. */
  #prepend(path: Uint8Array, node: TrieNode): TrieNode {
    if (node.kind === LEAF) return node;
    if (node.kind === BRANCH) return new Extension(path, node);
    return new Extension(concat(path, node.path), this.#childOf(node));
  }
}

const hashOf = (bytes: Uint8Array): Bytes32 => toHex(bytes) as Bytes32;

/** The extension itself when it may be changed, another one in place of a committed one. */
function withChild(extension: Extension, child: TrieNode): Extension {
  if (extension.isCommitted) return new Extension(extension.path, child);
  extension.child = child;
  return extension;
}

/** A branch where the key leaves that of the leaf, below what they share. */
function splitLeaf(old: Leaf, key: Uint8Array, depth: number, value: Uint8Array): TrieNode {
  const oldKey = leafKey(old, key, depth);
  const shared = sharedEnd(oldKey, key, depth);
  const branch = new Branch();
  addEntry(branch, oldKey, shared, leafValue(old));
  addEntry(branch, key, shared, value);
  return shared === depth ? branch : new Extension(toNibbles(key).slice(depth, shared), branch);
}

function addEntry(branch: Branch, key: Uint8Array, depth: number, value: Uint8Array): void {
  if (depth === key.length * 2) branch.value = value;
  else branch.set(nibbleAt(key, depth), new Leaf(key, value));
}

/** The bytes of the first `depth` half bytes of a key, with another one behind them. */
function withNibble(key: Uint8Array, depth: number, nibble: number): Uint8Array {
  const last = depth >> 1;
  const out = new Uint8Array(last + 1);
  out.set(key.subarray(0, last));
  out[last] = (depth & 1) === 0 ? nibble << 4 : ((key[last] as number) & 0xf0) | nibble;
  return out;
}

/** Commits what has changed from the leaves up. */
function commitNode(node: TrieNode, depth: number, encoder: NodeEncoder, isRoot = false): void {
  if (node.isCommitted) return;
  if (node.kind === BRANCH) {
    for (let rest = node.changed; rest !== 0; rest &= rest - 1) {
      const child = node.children[lowestBit(rest)];
      if (child !== undefined) commitNode(child, depth + 1, encoder);
    }
  } else if (node.kind === EXTENSION && node.child !== undefined)
    commitNode(node.child, depth + node.path.length, encoder);
  encoder.encode(node, depth, isRoot);
}

/** Returns how many loaded nodes are left, and moves them. */
function shrinkBelow(node: TrieNode, levels: number, writer: SlabWriter): number {
  if (node.isCommitted && !isEmbedded(node)) moveNode(node, writer);
  if (node.kind === LEAF) return 1;
  if (node.kind === EXTENSION)
    return 1 + (node.child === undefined ? 0 : shrinkBelow(node.child, levels, writer));
  let left = 1;
  for (let index = 0; index < node.children.length; index++) {
    const child = node.children[index];
    if (child === undefined) continue;
    const isNamed = ((node.changed >> index) & 1) === 0;
    if (levels <= 1 && isNamed && !isEmbedded(child)) node.children[index] = undefined;
    else left += shrinkBelow(child, levels - 1, writer);
  }
  return left;
}
