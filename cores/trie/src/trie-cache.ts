import type { Bytes32 } from "@aios/kernel/identifiers";
import { EMPTY_TRIE_ROOT } from "./empty-hashes.js";
import { MerklePatriciaTrie, type NodeSource } from "./merkle-patricia-trie.js";

export interface TrieCacheLimits {
  /** Tries kept, the least recently used one leaves first. */
  readonly maxTries: number;
  /** Nodes of all kept tries together; nodes that tries share count for each. */
  readonly maxNodes: number;
  /** Levels of branches that a trie keeps when it has more than its share: 4 levels are at most 69,905 nodes. */
  readonly keptLevels: number;
}

/**
 * Tries by root, with their upper levels in memory, so that the next block does not load them again. What is opened is
 * a fork: a block that comes to nothing leaves the kept trie as it was.
 */
export class TrieCache {
  readonly #tries = new Map<Bytes32, MerklePatriciaTrie>();

  constructor(
    private readonly load: NodeSource,
    private readonly limits: TrieCacheLimits,
  ) {}

  get size(): number {
    return this.#tries.size;
  }

  /** The trie with this root, whose nodes the source has. Changes to it are its own. */
  open(root: Bytes32): MerklePatriciaTrie {
    const kept = this.#tries.get(root);
    if (kept === undefined || root === EMPTY_TRIE_ROOT) return new MerklePatriciaTrie(root, this.load);
    this.#tries.delete(root);
    this.#tries.set(root, kept);
    if (kept.loadedNodes > this.limits.maxNodes / 2) kept.shrink(this.limits.keptLevels);
    return kept.fork();
  }

  /** Keeps a committed trie under its root. It is not to be written to any more. */
  keep(root: Bytes32, trie: MerklePatriciaTrie): void {
    if (root === EMPTY_TRIE_ROOT) return;
    this.#tries.delete(root);
    this.#tries.set(root, trie);
    let nodes = 0;
    for (const each of this.#tries.values()) nodes += each.loadedNodes;
    for (const [oldest, each] of this.#tries) {
      const fits = this.#tries.size <= this.limits.maxTries && nodes <= this.limits.maxNodes;
      if (fits || oldest === root) break;
      nodes -= each.loadedNodes;
      this.#tries.delete(oldest);
    }
  }
}
