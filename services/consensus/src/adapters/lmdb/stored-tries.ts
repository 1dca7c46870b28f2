import { toHex } from "@aios/core-rlp/hex";
import type { NodeSource } from "@aios/core-trie/merkle-patricia-trie";
import type { NewNodes } from "@aios/core-trie/new-nodes";
import type { NextPlace } from "@aios/core-trie/node-encoder";
import { TrieCache, type TrieCacheLimits } from "@aios/core-trie/trie-cache";
import { HASH_BYTES } from "@aios/core-trie/trie-node";
import type { Bytes32 } from "@aios/kernel/identifiers";
import type { Database } from "lmdb";
import { stateUnavailable } from "../../domain/errors.js";
import type { Tries } from "../../domain/state-commitment.js";
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
    const isPlaced = reference.length > HASH_BYTES;
    // In memory of the library, until something else is read: the trie copies it at once.
    const bytes = isPlaced
      ? placedNodes.getBinaryFast(placeOf(reference))
      : trieNodes.getBinaryFast(reference);
    // Where states were pruned, a node that is missing belongs to one of them.
    if (bytes === undefined && this.#tables.statesFrom > 0)
      throw stateUnavailable(toHex(reference.subarray(0, HASH_BYTES)) as Bytes32);
    return bytes === undefined ? undefined : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
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
  write(batch: WriteBatch, nodes: NewNodes): void {
    const { trieNodes, placedNodes } = this.#tables;
    for (let index = 0; index < nodes.length; index++) {
      if (nodes.isPlaced(index)) batch.put(placedNodes, nodes.place(index), nodes.bytes(index));
      else batch.put(trieNodes, nodes.reference(index), nodes.bytes(index));
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
