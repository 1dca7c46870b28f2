import { fromHex, toHex } from "@aios/core-rlp/hex";
import { EMPTY_TRIE_ROOT } from "@aios/core-trie/empty-hashes";
import { nodeLinks } from "@aios/core-trie/node-links";
import { HASH_BYTES } from "@aios/core-trie/trie-node";
import type { Clock } from "@aios/kernel/clock";
import { durationMs } from "@aios/kernel/units";
import type { BlockHeader } from "../../domain/block.js";
import { corruptStore } from "../../domain/errors.js";
import type { ExecutedBlock } from "../../domain/ports.js";
import { decodeAccount } from "../../domain/state-commitment.js";
import { type ChainDatabase, heightBytes } from "./chain-database.js";
import { HashSet } from "./hash-set.js";
import { NumberSet } from "./number-set.js";
import { placeNumber } from "./stored-tries.js";

export interface SweepSettings {
  /** States of so many last blocks stay. */
  readonly keptStates: number;
  /** Nodes below which nothing is swept. */
  readonly minNodes: number;
  /** How long it works at a time, and how long it lets others work then. */
  readonly sliceMs: number;
  readonly pauseMs: number;
}

export const DEFAULT_SWEEP: SweepSettings = {
  keptStates: 256,
  minNodes: 50_000,
  sliceMs: 4,
  pauseMs: 40,
};

/** What a sweep knows to be needed. */
interface Needed {
  /** Of nodes by hash: what the head's state reaches. */
  readonly hashes: HashSet;
  /** Of nodes by place, likewise. */
  readonly places: NumberSet;
  /** Hashes written since it began: apart, since below such a node nothing may be marked yet. */
  readonly written: HashSet;
  /** Nodes of greater places were written since it began. */
  readonly lastPlace: number;
}

/** A node to be marked. Tries of storage end in values, the accounts' in what leads to them. */
interface ToMark {
  readonly reference: Uint8Array;
  /** What it was before a block wrote it anew, in the same state or another, with other places below it. */
  readonly bytes?: Uint8Array;
  readonly isStorage: boolean;
}

/** Removed in one write. */
const REMOVED_AT_ONCE = 1_000;
const NODES_BETWEEN_LOOKS = 64;

/**
 * Removes the trie nodes that only old states have. Nodes are shared, so that only what can be reached tells which are
 * needed: when there are twice as many as were needed last, it marks what the head's state reaches, and whatever is written
 * from then on; when so many further blocks are stored that all states to be kept are marked, it removes the rest. Only
 * roots can be written anew, with other places below them: what was below them before is marked too. Works in slices
 * beside the chain; the cost is a constant for each node written. A crash leaves nodes that the next sweep removes.
 */
export class TrieSweep {
  readonly #database: ChainDatabase;
  readonly #clock: Clock;
  readonly #settings: SweepSettings;
  readonly #stopping = new AbortController();
  #current: Needed | undefined;
  readonly #toMark: ToMark[] = [];
  #needed = 0;
  #head = 0;
  #onHead: (() => void) | undefined;
  #work: Promise<void> = Promise.resolve();

  constructor(database: ChainDatabase, clock: Clock, settings: SweepSettings = DEFAULT_SWEEP) {
    this.#database = database;
    this.#clock = clock;
    this.#settings = settings;
  }

  /** Its nodes are about to be written: to be called in the turn in which they are handed to the database. */
  writing({ trieNodes, header }: Pick<ExecutedBlock, "trieNodes" | "header">): void {
    if (this.#current === undefined) return;
    for (let index = 0; index < trieNodes.length; index++) {
      if (trieNodes.isPlaced(index)) continue;
      const reference = trieNodes.reference(index);
      this.#current.written.add(reference);
      const bytes = this.#database.trieNodes.get(reference);
      const isStorage = toHex(reference) !== header.stateRoot;
      if (bytes !== undefined) this.#toMark.push({ reference, bytes, isStorage });
    }
  }

  /** A block is stored, and the next one is not on its way yet. */
  stored({ number, stateRoot }: BlockHeader, onFailure: (error: unknown) => void): void {
    this.#head = number;
    this.#onHead?.();
    if (this.#current !== undefined || this.#stopping.signal.aborted) return;
    if (this.#database.trieNodeCount < Math.max(this.#settings.minNodes, 2 * this.#needed)) return;
    const { lastPlace } = this.#database.tries;
    const [hashes, places, written] = [new HashSet(), new NumberSet(), new HashSet()];
    this.#current = { hashes, places, written, lastPlace };
    this.#toMark.push({ reference: fromHex(stateRoot), isStorage: false });
    this.#work = this.#sweep(number, this.#current)
      .catch((error: unknown) => {
        if (!this.#stopping.signal.aborted) onFailure(error);
      })
      .finally(() => {
        this.#current = undefined;
        this.#toMark.length = 0;
      });
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error("stopping"));
    this.#onHead?.();
    await this.#work;
  }

  async #sweep(height: number, needed: Needed): Promise<void> {
    await this.#mark(needed);
    while (this.#head < height + this.#settings.keptStates) {
      await new Promise<void>((resolve) => {
        this.#onHead = resolve;
      });
      this.#stopping.signal.throwIfAborted();
    }
    await this.#mark(needed);
    // Before the first node goes: states before this height cannot be told apart from damaged ones any more.
    const { meta } = this.#database;
    await this.#database.committed(meta.put("states-from", heightBytes(height)));
    const { trieNodes, placedNodes } = this.#database;
    const byHash = await this.#remove(
      trieNodes,
      (hash) => needed.hashes.has(hash) || needed.written.has(hash),
    );
    const byPlace = await this.#remove(placedNodes, (key) => {
      const place = placeNumber(key);
      return place > needed.lastPlace || needed.places.has(place);
    });
    this.#needed = byHash + byPlace;
  }

  /** All nodes that are to be marked, and those below them. */
  async #mark(needed: Needed): Promise<void> {
    const slice = this.#slices();
    for (let next = this.#toMark.pop(); next !== undefined; next = this.#toMark.pop()) {
      this.#markOne(next, needed);
      await slice();
    }
  }

  #markOne({ reference, bytes, isStorage }: ToMark, needed: Needed): void {
    if (bytes === undefined && !markReference(reference, needed)) return;
    const { children, values } = nodeLinks(bytes ?? this.#stored(reference));
    for (const child of children) this.#toMark.push({ reference: child, isStorage });
    if (isStorage) return;
    for (const value of values) {
      const { storageRoot } = decodeAccount(value);
      if (storageRoot !== EMPTY_TRIE_ROOT)
        this.#toMark.push({ reference: fromHex(storageRoot), isStorage: true });
    }
  }

  #stored(reference: Uint8Array): Uint8Array {
    const bytes = this.#database.tries.load(reference);
    if (bytes === undefined) throw corruptStore("a node of the latest state is missing");
    return bytes;
  }

  /** Returns how many nodes of a table are left. */
  async #remove(table: ChainDatabase["trieNodes"], isNeeded: (key: Uint8Array) => boolean): Promise<number> {
    const slice = this.#slices();
    let left = 0;
    let after: Uint8Array | undefined;
    for (;;) {
      const keys = [
        ...table.getKeys({ ...(after === undefined ? {} : { start: after }), limit: REMOVED_AT_ONCE }),
      ];
      const fresh =
        after === undefined ? keys : keys.slice(Buffer.compare(keys[0] ?? after, after) === 0 ? 1 : 0);
      after = fresh.at(-1);
      if (after === undefined) return left;
      // Asked and removed in one turn, so that no block writes one of them in between.
      const gone = fresh.filter((key) => !isNeeded(key));
      left += fresh.length - gone.length;
      if (gone.length > 0)
        await this.#database.write((batch) => {
          for (const key of gone) batch.remove(table, key);
        });
      await slice();
    }
  }

  /** Called between two steps, it waits whenever a slice is over. */
  #slices(): () => Promise<void> {
    const { sliceMs, pauseMs } = this.#settings;
    let startedAt = this.#clock.now();
    let steps = 0;
    return async () => {
      steps += 1;
      if (steps % NODES_BETWEEN_LOOKS !== 0 || this.#clock.now() - startedAt < sliceMs) return;
      await this.#clock.wait(durationMs(pauseMs), this.#stopping.signal);
      startedAt = this.#clock.now();
    };
  }
}

/** Whether what is below it is to be marked. What is below a node of later is as new, or is marked as the head's. */
function markReference(reference: Uint8Array, needed: Needed): boolean {
  if (reference.length === HASH_BYTES) return needed.hashes.add(reference);
  const place = placeNumber(reference.subarray(HASH_BYTES));
  return place <= needed.lastPlace && needed.places.add(place);
}
