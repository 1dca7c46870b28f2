import { OrderList } from "./order-list.js";

const EMPTY: readonly number[] = [];

/** What the index paid for keeping its intervals in order. */
export interface ReindexingCost {
  /** Blocks held. */
  readonly blocks: number;
  /** Blocks inserted since the start. */
  readonly insertions: number;
  /** Interval ends moved by all insertions together. */
  readonly relabels: number;
  /** The most interval ends that one insertion moved. */
  readonly largestRelabel: number;
}

/**
 * Ancestry in a block DAG in O(log w), w being the number of parallel branches that merged a block.
 *
 * Two parts, as in Kaspa's reachability index (KIP "DAG reachability", rusty-kaspa `consensus/src/processes/reachability`):
 * - the tree of selected parents, each block an interval inside its parent's, so that ancestry in the tree is
 *   containment;
 * - for each block its *future covering set*: the blocks that merged it, sorted, so that every descendant outside
 *   its own subtree lies in the subtree of one of them.
 *
 * Deviation: interval ends live in an order-maintenance list instead of integers handed down from parent to child,
 * so that the number of moved ends is O(1) amortised for a DAG of any shape, an adversary's included
 * (`reindexingBound`), and no "reindex root" has to guess where the tree will grow.
 *
 * Blocks are the numbers that `insert` gives out; numbers of removed blocks are used again.
 */
export class Reachability {
  readonly #order = new OrderList();
  readonly #children: (number[] | undefined)[] = [];
  readonly #futureCovering: (number[] | undefined)[] = [];
  readonly #free: number[] = [];
  #allocated = 0;
  #insertions = 0;

  /** Adds the root of the tree. Call it once, first. */
  insertRoot(): number {
    const block = this.#allocate();
    this.#order.insertFirst(opening(block));
    this.#order.insertAfter(opening(block), closing(block));
    return block;
  }

  /**
   * Adds a block under its selected parent that merges `merged`: the blocks of its past that are not in the past of
   * the selected parent, the selected parent itself excepted. Cost: O(1) amortised and O(log w) for each merged block,
   * plus a copy of each covering set it enters (w numbers).
   */
  insert(selectedParent: number, merged: readonly number[]): number {
    const block = this.#allocate();
    this.#order.insertBefore(closing(selectedParent), opening(block));
    this.#order.insertAfter(opening(block), closing(block));
    append(this.#children, selectedParent, block);
    for (const past of merged) this.#cover(past, block);
    return block;
  }

  /** Whether `ancestor` lies on the chain of selected parents of `block`, or is `block`. O(1). */
  isChainAncestor(ancestor: number, block: number): boolean {
    return (
      this.#order.compare(opening(ancestor), opening(block)) <= 0 &&
      this.#order.compare(closing(block), closing(ancestor)) <= 0
    );
  }

  /** Whether `ancestor` is in the past of `block`, or is `block`. */
  isAncestor(ancestor: number, block: number): boolean {
    if (this.isChainAncestor(ancestor, block)) return true;
    const covering = this.#futureCovering[ancestor];
    if (covering === undefined) return false;
    const candidate = this.#lastNotAfter(covering, block);
    return candidate !== undefined && this.isChainAncestor(candidate, block);
  }

  /** The block that follows `ancestor` on the chain of selected parents up to `block`; undefined when there is none. */
  nextOnChain(ancestor: number, block: number): number | undefined {
    const children = this.#children[ancestor];
    if (children === undefined || ancestor === block) return undefined;
    const child = this.#lastNotAfter(children, block);
    return child !== undefined && this.isChainAncestor(child, block) ? child : undefined;
  }

  /** Blocks whose selected parent is `block`, in order of arrival. */
  children(block: number): readonly number[] {
    return this.#children[block] ?? EMPTY;
  }

  /** Forgets the blocks `gone`, whose numbers may be given out again; `kept` are all others. Cost: all lists. */
  remove(gone: ReadonlySet<number>, kept: Iterable<number>): void {
    const stays = (block: number): boolean => !gone.has(block);
    for (const lists of [this.#children, this.#futureCovering])
      for (const block of kept) {
        const list = lists[block];
        if (list?.every(stays) === false) lists[block] = list.filter(stays);
      }
    for (const block of gone) {
      this.#order.remove(opening(block));
      this.#order.remove(closing(block));
      this.#children[block] = undefined;
      this.#futureCovering[block] = undefined;
      this.#free.push(block);
    }
  }

  /** What reindexing has cost so far. */
  get reindexingCost(): ReindexingCost {
    return {
      blocks: this.#order.size / 2,
      insertions: this.#insertions,
      relabels: this.#order.relabels,
      largestRelabel: this.#order.largestRelabel,
    };
  }

  #allocate(): number {
    this.#insertions += 1;
    const free = this.#free.pop();
    if (free !== undefined) return free;
    this.#allocated += 1;
    return this.#allocated - 1;
  }

  #cover(past: number, block: number): void {
    const covering = this.#futureCovering[past];
    if (covering === undefined) {
      this.#futureCovering[past] = [block];
      return;
    }
    covering.splice(this.#firstAfter(covering, block), 0, block);
  }

  #lastNotAfter(sorted: readonly number[], block: number): number | undefined {
    return sorted[this.#firstAfter(sorted, block) - 1];
  }

  /** Index of the first element whose interval opens after that of `block`. */
  #firstAfter(sorted: readonly number[], block: number): number {
    let low = 0;
    let high = sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#order.compare(opening(sorted[middle] as number), opening(block)) <= 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/**
 * The most interval ends that `insertions` blocks may move in all, for a DAG of any shape. Each block inserts two ends.
 * A bucket of 64 ends is spread at most once in 24 insertions (its gaps are at least 2^24) and split at most once in
 * 32: 64 / 24 + 64 / 32 moves for each end. A split adds one bucket and moves at most 52 / (1 - 1 / 1.4) others
 * amortised, one for each of the 52 bits of a bucket's tag over the slack left by the density threshold 1.4.
 */
export function reindexingBound(insertions: number): number {
  const movesPerEnd = 64 / 24 + 64 / 32 + 52 / (1 - 1 / 1.4) / 32;
  return Math.ceil(2 * insertions * movesPerEnd) + 128;
}

function append(lists: (number[] | undefined)[], index: number, value: number): void {
  const list = lists[index];
  if (list === undefined) lists[index] = [value];
  else list.push(value);
}

function opening(block: number): number {
  return 2 * block;
}

function closing(block: number): number {
  return 2 * block + 1;
}
