import { CodedError } from "@aios/kernel/coded-error";
import { type ColouredBlock, colourMergeset } from "./colouring.js";
import { type GhostdagParameters, requireGhostdagParameters } from "./ghostdag-parameters.js";
import { Reachability, type ReindexingCost } from "./reachability.js";

/** What GHOSTDAG says of a block. Blocks that have been pruned are left out of every list. */
export interface GhostdagBlock {
  readonly id: string;
  readonly parents: readonly string[];
  /** The parent with the highest blue score, the greater id among equals; undefined for genesis. */
  readonly selectedParent: string | undefined;
  /** Blue blocks in the past. */
  readonly blueScore: number;
  /** Blue merged blocks: the selected parent, then by blue score and id. */
  readonly mergesetBlues: readonly string[];
  /** Red merged blocks, by blue score and id. */
  readonly mergesetReds: readonly string[];
}

/** What colouring found out about a block, by ids: with it the block is taken back in without being coloured again. */
export interface BlockColouring {
  readonly blueScore: number;
  readonly selectedParent: string | undefined;
  /** Chain ancestor `mergeDepth` blue blocks below: what this block merges descends from it. */
  readonly mergeRoot: string;
  /** The selected parent first, then by blue score and id. */
  readonly mergesetBlues: readonly string[];
  readonly mergesetReds: readonly string[];
  /** Blues whose anticone among the blues of this block's past is known here, with its size at the same index. */
  readonly sizedBlues: readonly string[];
  readonly anticoneSizes: readonly number[];
}

interface StoredBlock extends ColouredBlock {
  readonly id: string;
  readonly parents: readonly number[];
  readonly blueScore: number;
  /** Chain ancestor `mergeDepth` blue blocks below: what this block merges descends from it. */
  readonly mergeRoot: number;
}

/** What reachability gives the block that is inserted first. */
const TREE_ROOT = 0;

/**
 * A block DAG coloured and ordered by GHOSTDAG (PHANTOM/GHOSTDAG, eprint 2018/104), kept as blocks arrive.
 *
 * Ids are opaque strings compared by code unit: for hashes in lower-case hex that is the order of the hashes.
 * Cost of an insertion: O(m · (p + k²) · log w) for m merged blocks of p parents, all bounded by the parameters, plus
 * amortised O(1) for reachability; it does not depend on the length of history.
 */
export class Ghostdag {
  readonly #parameters: GhostdagParameters;
  readonly #reachability = new Reachability();
  readonly #blocks: (StoredBlock | undefined)[] = [];
  readonly #indexOf = new Map<string, number>();
  readonly #tips = new Set<number>();
  #root: number;
  #isPruned = false;
  #resumedRoot: string | undefined;

  /** A DAG of the genesis block alone. Throws `invalid-ghostdag-parameters`. */
  constructor(parameters: GhostdagParameters, genesisId: string) {
    requireGhostdagParameters(parameters);
    this.#parameters = parameters;
    this.#root = this.#reachability.insertRoot();
    this.#store(this.#root, {
      id: genesisId,
      parents: [],
      blueScore: 0,
      mergeRoot: this.#root,
      selectedParent: undefined,
      mergesetBlues: [],
      mergesetReds: [],
      sizedBlues: [],
      anticoneSizes: [],
    });
  }

  /**
   * A DAG that was pruned to `root`, empty until its blocks come back through `restore`, ancestors first, `root` among them.
   * Throws `invalid-ghostdag-parameters`.
   */
  static resumed(parameters: GhostdagParameters, root: string): Ghostdag {
    const dag = new Ghostdag(parameters, root);
    // Stays as the tree's root, which no id names: what lost its selected parent hangs below it.
    dag.#indexOf.clear();
    dag.#tips.clear();
    dag.#blocks[dag.#root] = undefined;
    dag.#isPruned = true;
    dag.#resumedRoot = root;
    return dag;
  }

  /**
   * Takes a block back in whose colouring is known. What its lists name that is not held has been pruned. Throws
   * `duplicate-block`. Cost: as reachability's for an insertion.
   */
  restore(id: string, parentIds: readonly string[], colouring: BlockColouring): void {
    if (this.#indexOf.has(id))
      throw refused("duplicate-block", "conflict", "id", "This block is in the DAG already.", { id });
    const held = (ids: readonly string[]): number[] =>
      ids.flatMap((one) => {
        const index = this.#indexOf.get(one);
        return index === undefined ? [] : [index];
      });
    const parents = held(parentIds);
    const mergesetBlues = held(colouring.mergesetBlues);
    const mergesetReds = held(colouring.mergesetReds);
    const selectedParent = this.#indexOf.get(colouring.selectedParent ?? id);
    const sized = colouring.sizedBlues.flatMap((one, at) => {
      const blue = this.#indexOf.get(one);
      return blue === undefined ? [] : [{ blue, size: colouring.anticoneSizes[at] ?? 0 }];
    });
    const merged = [...mergesetBlues, ...mergesetReds].filter((one) => one !== selectedParent);
    const index = this.#reachability.insert(selectedParent ?? TREE_ROOT, merged);
    if (id === this.#resumedRoot) this.#root = index;
    for (const parent of parents) this.#tips.delete(parent);
    this.#store(index, {
      id,
      parents,
      blueScore: colouring.blueScore,
      mergeRoot: this.#indexOf.get(colouring.mergeRoot) ?? this.#root,
      selectedParent,
      mergesetBlues,
      mergesetReds,
      sizedBlues: sized.map(({ blue }) => blue),
      anticoneSizes: sized.map(({ size }) => size),
    });
  }

  /** What colouring found out about a block that is held. Throws `unknown-block`. */
  colouring(id: string): BlockColouring {
    const block = this.#stored(this.#index(id, "id"));
    const idOf = (index: number): string => this.#stored(index).id;
    return {
      blueScore: block.blueScore,
      selectedParent: block.selectedParent === undefined ? undefined : idOf(block.selectedParent),
      mergeRoot: this.#blocks[block.mergeRoot]?.id ?? this.root,
      mergesetBlues: block.mergesetBlues.map(idOf),
      mergesetReds: block.mergesetReds.map(idOf),
      sizedBlues: block.sizedBlues.map(idOf),
      anticoneSizes: [...block.anticoneSizes],
    };
  }

  /** Blocks held. */
  get size(): number {
    return this.#indexOf.size;
  }

  /** Ids without children, greatest blue score first. */
  get tips(): string[] {
    return [...this.#tips].sort((a, b) => this.#compare(b, a)).map((index) => this.#stored(index).id);
  }

  /** The oldest block of the selected chain that is held; genesis before the first pruning. */
  get root(): string {
    return this.#blocks[this.#root]?.id ?? this.#resumedRoot ?? this.#stored(this.#root).id;
  }

  /** What ordering intervals has cost so far. */
  get reindexingCost(): ReindexingCost {
    return this.#reachability.reindexingCost;
  }

  /** Whether the block is held. */
  has(id: string): boolean {
    return this.#indexOf.has(id);
  }

  /** What is known of a block. Throws `unknown-block`. */
  block(id: string): GhostdagBlock {
    return this.#view(this.#stored(this.#index(id, "id")));
  }

  /**
   * Adds a block.
   *
   * Throws `duplicate-block`, `unknown-block` (a parent is missing: fetch it and come back), `too-many-parents`,
   * `mergeset-too-large`, `merge-too-deep` (it merges what branched off too long ago) and `below-pruning-point`.
   */
  insert(id: string, parents: readonly string[]): GhostdagBlock {
    if (this.#indexOf.has(id))
      throw refused("duplicate-block", "conflict", "id", "This block is in the DAG already.", { id });
    const block = this.#colour(id, parents);
    const merged = [...block.mergesetBlues.slice(1), ...block.mergesetReds];
    const index = this.#reachability.insert(block.selectedParent, merged);
    for (const parent of block.parents) this.#tips.delete(parent);
    this.#store(index, block);
    return this.#view(block);
  }

  /** What GHOSTDAG would say of a block with these parents. Throws as `insert` does. */
  preview(parents: readonly string[]): GhostdagBlock {
    return this.#view(this.#colour("", parents));
  }

  /** Whether `ancestor` is in the past of `id` or is the same block. Throws `unknown-block`. */
  isAncestor(ancestor: string, id: string): boolean {
    return this.#reachability.isAncestor(this.#index(ancestor, "ancestor"), this.#index(id, "id"));
  }

  /** Whether `ancestor` is on the selected chain of `id` or is the same block. Throws `unknown-block`. */
  isChainAncestor(ancestor: string, id: string): boolean {
    return this.#reachability.isChainAncestor(this.#index(ancestor, "ancestor"), this.#index(id, "id"));
  }

  /**
   * The blocks that are in the past of `tip` or `tip` itself and not in the past of `since` nor `since` itself, in
   * GHOSTDAG order: along the selected chain of `tip`, each chain block's mergeset by blue score and id before the
   * block itself, so that ancestors always precede descendants.
   *
   * Throws `unknown-block`, `not-a-descendant` when `since` is not in the past of `tip`, and `order-too-long` when more
   * than `limit` blocks are new.
   */
  orderSince(since: string, tip: string, limit: number): string[] {
    const from = this.#index(since, "since");
    const to = this.#index(tip, "tip");
    if (!this.#reachability.isAncestor(from, to))
      throw refused(
        "not-a-descendant",
        "conflict",
        "tip",
        "The tip does not descend from the block before.",
        {
          since,
          tip,
        },
      );
    const segments: number[][] = [];
    let count = 0;
    for (let chainBlock: number | undefined = to; chainBlock !== undefined && chainBlock !== from; ) {
      if (this.#reachability.isAncestor(chainBlock, from)) break;
      const block = this.#stored(chainBlock);
      const merged = [...block.mergesetBlues.slice(1), ...block.mergesetReds]
        .filter((index) => !this.#reachability.isAncestor(index, from))
        .sort((a, b) => this.#compare(a, b));
      segments.push([...merged, chainBlock]);
      count += merged.length + 1;
      if (count > limit)
        throw refused("order-too-long", "too-large", "tip", `More than ${limit} blocks are new.`, { limit });
      chainBlock = block.selectedParent;
    }
    return segments
      .reverse()
      .flat()
      .map((index) => this.#stored(index).id);
  }

  /**
   * The pruning point for a finalised block: the last block of its selected chain that is at least `pruningDepth` blue
   * blocks below it; the root while there is none. Cost: the chain blocks between the root and the answer.
   */
  pruningPoint(finalised: string): string {
    const tip = this.#index(finalised, "finalised");
    const highest = this.#stored(tip).blueScore - this.#parameters.pruningDepth;
    return this.#stored(this.#advance(this.#root, tip, highest)).id;
  }

  /**
   * Makes `point` the root and forgets what no later block can need: its past, and every branch that nothing after it
   * merged. Returns the ids forgotten. Later blocks have to be on chains through `point`, high enough above it to merge
   * nothing below (`below-pruning-point`); all others are judged as if nothing had been forgotten.
   * Throws `unknown-block`. Cost: the blocks held.
   */
  pruneTo(point: string): string[] {
    const root = this.#index(point, "point");
    const kept = this.#needed(root);
    const gone = new Set([...this.#indexOf.values()].filter((index) => !kept.has(index)));
    this.#root = root;
    if (gone.size === 0) return [];
    const ids = [...gone].map((index) => this.#stored(index).id);
    this.#isPruned = true;
    for (const index of kept) this.#forgetReferences(index, gone);
    for (const index of gone) {
      this.#indexOf.delete(this.#stored(index).id);
      this.#tips.delete(index);
      this.#blocks[index] = undefined;
    }
    this.#reachability.remove(gone, kept);
    return ids;
  }

  /** `root`, its future, and what that future merged. */
  #needed(root: number): Set<number> {
    const needed = new Set<number>();
    for (const index of this.#indexOf.values())
      if (this.#reachability.isAncestor(root, index)) needed.add(index);
    const queue = [...needed];
    for (let block = queue.pop(); block !== undefined; block = queue.pop())
      for (const parent of this.#stored(block).parents) {
        if (needed.has(parent) || this.#reachability.isAncestor(parent, root)) continue;
        needed.add(parent);
        queue.push(parent);
      }
    return needed;
  }

  #forgetReferences(index: number, gone: ReadonlySet<number>): void {
    const block = this.#stored(index);
    const touches =
      gone.has(block.mergeRoot) ||
      block.parents.some((parent) => gone.has(parent)) ||
      [...block.mergesetBlues, ...block.mergesetReds, ...block.sizedBlues].some((other) => gone.has(other));
    if (!touches) return;
    const stays = (other: number): boolean => !gone.has(other);
    const sized = block.sizedBlues.map((blue, at) => ({ blue, size: block.anticoneSizes[at] as number }));
    const sizedStaying = sized.filter(({ blue }) => stays(blue));
    const { selectedParent } = block;
    this.#blocks[index] = {
      ...block,
      parents: block.parents.filter(stays),
      mergeRoot: stays(block.mergeRoot) ? block.mergeRoot : this.#root,
      selectedParent: selectedParent !== undefined && stays(selectedParent) ? selectedParent : undefined,
      mergesetBlues: block.mergesetBlues.filter(stays),
      mergesetReds: block.mergesetReds.filter(stays),
      sizedBlues: sizedStaying.map(({ blue }) => blue),
      anticoneSizes: sizedStaying.map(({ size }) => size),
    };
  }

  #colour(id: string, parentIds: readonly string[]): StoredBlock & { selectedParent: number } {
    const { maxParents } = this.#parameters;
    if (parentIds.length === 0)
      throw refused("no-parents", "invalid", "parents", "Every block but genesis has parents.");
    if (parentIds.length > maxParents)
      throw refused(
        "too-many-parents",
        "too-large",
        "parents",
        `A block names at most ${maxParents} parents.`,
        {
          parents: parentIds.length,
          maxParents,
        },
      );
    const parents = [...new Set(parentIds)].map((parent) => this.#index(parent, "parents"));
    const selectedParent = parents.reduce((best, parent) =>
      this.#compare(parent, best) > 0 ? parent : best,
    );
    if (!this.#reachability.isChainAncestor(this.#root, selectedParent))
      throw refused("below-pruning-point", "gone", "parents", "The chain of this block has been pruned.", {
        id,
      });
    const mergeset = this.#mergeset(parents, selectedParent);
    const past = {
      isAncestor: (ancestor: number, block: number) => this.#reachability.isAncestor(ancestor, block),
      coloured: (block: number) => this.#stored(block),
    };
    const coloured = colourMergeset(past, selectedParent, mergeset, this.#parameters.k);
    const blueScore = this.#stored(selectedParent).blueScore + coloured.mergesetBlues.length;
    if (this.#isPruned && blueScore - this.#parameters.mergeDepth < this.#stored(this.#root).blueScore)
      throw refused("below-pruning-point", "gone", "parents", "This block comes too late.", { id });
    const mergeRoot = this.#mergeRoot(selectedParent, blueScore);
    for (const merged of mergeset)
      if (!this.#reachability.isAncestor(mergeRoot, merged))
        throw refused("merge-too-deep", "conflict", "parents", "It merges a branch that is too old.", {
          merged: this.#stored(merged).id,
        });
    return { ...coloured, selectedParent, id, parents, blueScore, mergeRoot };
  }

  /** Past of the parents without the past of the selected parent and itself, by blue score and id. */
  #mergeset(parents: readonly number[], selectedParent: number): number[] {
    const limit = this.#parameters.maxMergeset;
    const seen = new Set<number>([selectedParent]);
    const merged: number[] = [];
    const queue = [...parents];
    for (let block = queue.pop(); block !== undefined; block = queue.pop()) {
      if (seen.has(block)) continue;
      seen.add(block);
      if (this.#reachability.isAncestor(block, selectedParent)) continue;
      merged.push(block);
      if (merged.length + 1 > limit)
        throw refused(
          "mergeset-too-large",
          "too-large",
          "parents",
          `A block merges at most ${limit} blocks.`,
          {
            limit,
          },
        );
      queue.push(...this.#stored(block).parents);
    }
    return merged.sort((a, b) => this.#compare(a, b));
  }

  #mergeRoot(selectedParent: number, blueScore: number): number {
    const start = this.#stored(selectedParent).mergeRoot;
    return this.#advance(start, selectedParent, blueScore - this.#parameters.mergeDepth);
  }

  /** The last block of the chain from `start` to `end` whose blue score is at most `highest`; at least `start`. */
  #advance(start: number, end: number, highest: number): number {
    let block = start;
    for (;;) {
      const next = this.#reachability.nextOnChain(block, end);
      if (next === undefined || this.#stored(next).blueScore > highest) return block;
      block = next;
    }
  }

  #compare(a: number, b: number): number {
    const blockA = this.#stored(a);
    const blockB = this.#stored(b);
    if (blockA.blueScore !== blockB.blueScore) return blockA.blueScore - blockB.blueScore;
    if (blockA.id === blockB.id) return 0;
    return blockA.id < blockB.id ? -1 : 1;
  }

  #store(index: number, block: StoredBlock): void {
    this.#blocks[index] = block;
    this.#indexOf.set(block.id, index);
    this.#tips.add(index);
  }

  #stored(index: number): StoredBlock {
    const block = this.#blocks[index];
    if (block !== undefined) return block;
    throw refused("pruned-block-needed", "internal", "parents", "A block that has been pruned was needed.");
  }

  #index(id: string, field: string): number {
    const index = this.#indexOf.get(id);
    if (index !== undefined) return index;
    throw refused("unknown-block", "not-found", field, "This block is not in the DAG.", { id });
  }

  #view(block: StoredBlock): GhostdagBlock {
    const ids = (indices: readonly number[]): string[] => indices.map((index) => this.#stored(index).id);
    return {
      id: block.id,
      parents: ids(block.parents),
      selectedParent: block.selectedParent === undefined ? undefined : this.#stored(block.selectedParent).id,
      blueScore: block.blueScore,
      mergesetBlues: ids(block.mergesetBlues),
      mergesetReds: ids(block.mergesetReds),
    };
  }
}

function refused(
  code: string,
  kind: CodedError["kind"],
  field: string,
  message: string,
  details: Record<string, unknown> = {},
): CodedError {
  return new CodedError({ code, kind, message, field, details });
}
