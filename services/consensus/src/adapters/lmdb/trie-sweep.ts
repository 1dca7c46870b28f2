import { fromHex } from "@aios/core-rlp/hex";
import { EMPTY_TRIE_ROOT } from "@aios/core-trie/empty-hashes";
import { nodeLinks } from "@aios/core-trie/node-links";
import type { Clock } from "@aios/kernel/clock";
import { durationMs } from "@aios/kernel/units";
import type { BlockHeader } from "../../domain/block.js";
import { corruptStore } from "../../domain/errors.js";
import { decodeAccount } from "../../domain/state-commitment.js";
import { type ChainDatabase, heightBytes } from "./chain-database.js";
import { HashSet } from "./hash-set.js";

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

/** Removed in one write. */
const REMOVED_AT_ONCE = 1_000;
const NODES_BETWEEN_LOOKS = 64;

/**
 * Removes the trie nodes that only old states have. Nodes are stored by their hash and shared, so that only what can be
 * reached tells which are needed: when there are twice as many as were needed last, it marks what the head's state
 * reaches, and whatever is written from then on; when so many further blocks are stored that all states to be kept are
 * marked, it removes the rest. Works in slices beside the chain; the cost is a constant for each node written. A crash
 * leaves nodes that the next sweep removes.
 */
export class TrieSweep {
  readonly #database: ChainDatabase;
  readonly #clock: Clock;
  readonly #settings: SweepSettings;
  readonly #stopping = new AbortController();
  /** Written since the sweep in progress began. Apart from what is marked: below such a node nothing may be marked yet. */
  #written: HashSet | undefined;
  #needed = 0;
  #head = 0;
  #onHead: (() => void) | undefined;
  #work: Promise<void> = Promise.resolve();

  constructor(database: ChainDatabase, clock: Clock, settings: SweepSettings = DEFAULT_SWEEP) {
    this.#database = database;
    this.#clock = clock;
    this.#settings = settings;
  }

  /** These are about to be written: to be called in the turn in which they are handed to the database. */
  writing(nodes: Iterable<{ readonly hash: Uint8Array }>): void {
    if (this.#written === undefined) return;
    for (const { hash } of nodes) this.#written.add(hash);
  }

  /** A block is stored, and the next one is not on its way yet. */
  stored({ number, stateRoot }: BlockHeader, onFailure: (error: unknown) => void): void {
    this.#head = number;
    this.#onHead?.();
    if (this.#written !== undefined || this.#stopping.signal.aborted) return;
    if (this.#database.trieNodeCount < Math.max(this.#settings.minNodes, 2 * this.#needed)) return;
    this.#written = new HashSet();
    this.#work = this.#sweep(number, fromHex(stateRoot), this.#written)
      .catch((error: unknown) => {
        if (!this.#stopping.signal.aborted) onFailure(error);
      })
      .finally(() => {
        this.#written = undefined;
      });
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error("stopping"));
    this.#onHead?.();
    await this.#work;
  }

  async #sweep(height: number, root: Uint8Array, written: HashSet): Promise<void> {
    const marked = await this.#mark(root);
    while (this.#head < height + this.#settings.keptStates) {
      await new Promise<void>((resolve) => {
        this.#onHead = resolve;
      });
      this.#stopping.signal.throwIfAborted();
    }
    // Before the first node goes: states before this height cannot be told apart from damaged ones any more.
    const { meta } = this.#database;
    await this.#database.committed(meta.put("states-from", heightBytes(height)));
    this.#needed = await this.#remove((hash) => marked.has(hash) || written.has(hash));
  }

  /** All nodes of a state. */
  async #mark(root: Uint8Array): Promise<HashSet> {
    const marked = new HashSet();
    const accountNodes = [root];
    const storageNodes: Uint8Array[] = [];
    const slice = this.#slices();
    for (;;) {
      const isStorage = storageNodes.length > 0;
      const hash = storageNodes.pop() ?? accountNodes.pop();
      if (hash === undefined) return marked;
      if (!marked.add(hash)) continue;
      const rlp = this.#database.trieNodes.get(hash);
      if (rlp === undefined) throw corruptStore("a node of the latest state is missing");
      const { children, values } = nodeLinks(rlp);
      for (const child of children) (isStorage ? storageNodes : accountNodes).push(child);
      if (!isStorage)
        for (const value of values) {
          const { storageRoot } = decodeAccount(value);
          if (storageRoot !== EMPTY_TRIE_ROOT) storageNodes.push(fromHex(storageRoot));
        }
      await slice();
    }
  }

  /** Returns how many nodes are left. */
  async #remove(isNeeded: (hash: Uint8Array) => boolean): Promise<number> {
    const { trieNodes } = this.#database;
    const slice = this.#slices();
    let left = 0;
    let after: Uint8Array | undefined;
    for (;;) {
      const keys = [
        ...trieNodes.getKeys({ ...(after === undefined ? {} : { start: after }), limit: REMOVED_AT_ONCE }),
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
          for (const key of gone) batch.remove(trieNodes, key);
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
