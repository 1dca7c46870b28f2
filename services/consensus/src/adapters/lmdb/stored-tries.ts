import { toHex } from "@aios/core-rlp/hex";
import type { NextPlace, NodeSource } from "@aios/core-trie/merkle-patricia-trie";
import { TrieCache, type TrieCacheLimits } from "@aios/core-trie/trie-cache";
import { HASH_BYTES } from "@aios/core-trie/trie-node";
import type { Bytes32 } from "@aios/kernel/identifiers";
import type { Database } from "lmdb";
import { stateUnavailable } from "../../domain/errors.js";
import type { NewTrieNode, Tries } from "../../domain/state-commitment.js";
import type { WriteBatch } from "./write-batch.js";

/** About 200 MiB at most: the upper four levels of a state of any size, and what the last blocks touched. */
const LIMITS: TrieCacheLimits = { maxTries: 64, maxNodes: 300_000, keptLevels: 4 };

type Table = Database<Buffer, Uint8Array>;

/** Where trie nodes are. */
interface Tables {
  readonly trieNodes: Table;
  readonly placedNodes: Table;
  /** States before this height may have lost nodes; 0 where none was removed. */
  readonly statesFrom: number;
}

/**
 * Tries on disk, and those of the last blocks in memory. Roots, first states and snapshots are stored by hash; what a
 * block adds below a root by place, one node behind the other: hashes would put each of them on a page of its own.
 */
export class StoredTries {
  readonly cache: TrieCache;
  readonly #tables: Tables;
  #lastPlace: number | undefined;

  constructor(tables: Tables) {
    this.#tables = tables;
    this.cache = new TrieCache(this.load, LIMITS);
  }

  readonly load: NodeSource = (reference) => {
    const { trieNodes, placedNodes } = this.#tables;
    const bytes =
      reference.length === HASH_BYTES ? trieNodes.get(reference) : placedNodes.get(placeOf(reference));
    // Where states were pruned, a node that is missing belongs to one of them.
    if (bytes === undefined && this.#tables.statesFrom > 0)
      throw stateUnavailable(toHex(reference.subarray(0, HASH_BYTES)) as Bytes32);
    return bytes;
  };

  /** Places only grow, also over restarts; those of commitments that came to nothing stay empty. */
  readonly nextPlace: NextPlace = () => {
    this.#lastPlace = this.lastPlace + 1;
    return this.#lastPlace;
  };

  /** The greatest place that was given to a node. */
  get lastPlace(): number {
    if (this.#lastPlace === undefined) {
      const [last] = this.#tables.placedNodes.getKeys({ reverse: true, limit: 1 });
      this.#lastPlace = last === undefined ? 0 : placeNumber(last);
    }
    return this.#lastPlace;
  }

  /** Writes new nodes in the order of their places. LMDB's option to append makes the library's `put` cost twice as much. */
  write(batch: WriteBatch, nodes: readonly NewTrieNode[]): void {
    const { trieNodes, placedNodes } = this.#tables;
    for (const { reference, bytes } of nodes) {
      if (reference.length === HASH_BYTES) batch.put(trieNodes, reference, bytes);
      else batch.put(placedNodes, placeOf(reference), bytes);
    }
  }

  /** The next block finds them in memory: to be called once their nodes are stored. */
  keep(tries: Tries): void {
    for (const [root, trie] of tries) this.cache.keep(root, trie);
  }
}

/** A copy: a view into so small an array makes V8 move its bytes out of the heap first, which costs five times as much. */
function placeOf(reference: Uint8Array): Uint8Array {
  return reference.slice(HASH_BYTES);
}

/** The number of a place (6 bytes, big endian). */
export function placeNumber(place: Uint8Array): number {
  let out = 0;
  for (const byte of place) out = out * 256 + byte;
  return out;
}
