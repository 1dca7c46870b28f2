import { type BlockColouring, Ghostdag } from "@aios/core-ghostdag/ghostdag";
import type { GhostdagParameters } from "@aios/core-ghostdag/ghostdag-parameters";
import { isCodedError } from "@aios/kernel/coded-error";
import { type ChainHistory, NO_HISTORY } from "./chain-history.js";
import { type BlockHeader, blockId, type DagBlock, gasOf, headerOf, isWhole } from "./dag-block.js";
import type { PacketFault } from "./packet-faults.js";
import { memoryOf, WaitingBlocks, type WaitingLimits } from "./waiting-blocks.js";

export const GENESIS_BLOCK = "genesis";

/** What became of a block that came in. */
export type Insertion =
  /** It is in the DAG, with those that waited for it, ancestors first; others that waited for it may not be. */
  | {
      readonly kind: "inserted";
      readonly blocks: readonly DagBlock[];
      readonly refused: readonly RefusedBlock[];
    }
  /** It waits for these. */
  | { readonly kind: "waiting"; readonly missing: readonly string[] }
  | { readonly kind: "known" }
  | { readonly kind: "refused"; readonly reason: PacketFault };

/** A block that waited for its parents, and why it may not follow them. */
export interface RefusedBlock {
  readonly block: DagBlock;
  readonly reason: PacketFault;
}

/** Whether a block may be in the DAG, given that its parents are: undefined, or why not. */
export type BlockRule = (block: DagBlock) => PacketFault | undefined;

/** A block that is in the DAG; its transactions may have been let go. */
export interface DagEntry {
  readonly id: string;
  readonly block: DagBlock | BlockHeader;
}

/** What a block brings into a checkpoint. */
export interface BlockLoad {
  readonly transactions: number;
  readonly gas: number;
}

interface HeldEntry {
  readonly id: string;
  block: DagBlock | BlockHeader;
  readonly load: BlockLoad | undefined;
}

/**
 * The blocks a node holds, coloured and ordered by GHOSTDAG, and those that wait for a parent. Transactions that were let
 * go are read from history.
 *
 * Blocks that wait are bounded: beyond the limits the oldest are forgotten, to be fetched again when they are needed.
 */
export class BlockDag {
  #ghostdag: Ghostdag;
  readonly #parameters: GhostdagParameters;
  readonly #rule: BlockRule;
  readonly #history: ChainHistory;
  readonly #blocks = new Map<string, HeldEntry>();
  readonly #byTick = new Map<number, HeldEntry[]>();
  readonly #waiting: WaitingBlocks;
  /** Blocks whose transactions are held, in the order in which they came. */
  readonly #whole = new Set<HeldEntry>();
  #heldBytes = 0;

  constructor(
    parameters: GhostdagParameters,
    rule: BlockRule,
    waiting: WaitingLimits,
    history: ChainHistory = NO_HISTORY,
  ) {
    this.#parameters = parameters;
    this.#ghostdag = new Ghostdag(parameters, GENESIS_BLOCK);
    this.#rule = rule;
    this.#history = history;
    this.#waiting = new WaitingBlocks(waiting);
  }

  /** Begins anew with the blocks of a pruned DAG, which come back through `restore`. */
  resume(root: string): void {
    if (root !== GENESIS_BLOCK) this.#ghostdag = Ghostdag.resumed(this.#parameters, root);
  }

  /** Takes a block back in that was in the DAG before, after its parents. */
  restore(block: DagBlock | BlockHeader, colouring: BlockColouring): void {
    const id = blockId(block);
    this.#ghostdag.restore(id, block.parents, colouring);
    this.#hold(id, block);
  }

  /** How GHOSTDAG sees a block that is in the DAG. */
  colouring(id: string): BlockColouring {
    return this.#ghostdag.colouring(id);
  }

  /** All blocks in the DAG but genesis, ancestors first. */
  entries(): Iterable<DagEntry> {
    return this.#blocks.values();
  }

  /** Blocks in the DAG. */
  get size(): number {
    return this.#ghostdag.size;
  }

  /** Memory of the transactions that are held, about. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Where the DAG begins: genesis, or the point that it was pruned to. */
  get root(): string {
    return this.#ghostdag.root;
  }

  /** No block that may still come is of an earlier tick. */
  get rootTick(): number {
    return this.tickOf(this.root);
  }

  /** As `Ghostdag.pruningPoint`. */
  pruningPoint(finalised: string): string {
    return this.#ghostdag.pruningPoint(finalised);
  }

  /** As `Ghostdag.pruneTo`. Blocks of earlier ticks that wait for a parent are forgotten too. */
  prune(point: string): string[] {
    const gone = this.#ghostdag.pruneTo(point);
    for (const id of gone) this.#forget(id);
    for (const [id, { tick }] of this.#waiting) if (tick < this.rootTick) this.#waiting.delete(id);
    return gone;
  }

  /**
   * Lets transactions go until no more than `maxBytes` of them are held, those of the oldest blocks first, ordered or not: as
   * far as history has them, since what is still to be written would be lost.
   */
  releaseDownTo(maxBytes: number): void {
    if (this.#heldBytes <= maxBytes) return;
    for (const entry of this.#whole) {
      if (this.#heldBytes <= maxBytes || !this.#history.hasBlock(entry.id)) return;
      this.#letGo(entry);
      entry.block = headerOf(entry.block);
    }
  }

  get tips(): string[] {
    return this.#ghostdag.tips;
  }

  /** A block that is in the DAG, whole; undefined also where its transactions are nowhere any more. */
  block(id: string): DagBlock | undefined {
    const held = this.#blocks.get(id)?.block;
    if (held === undefined) return undefined;
    return isWhole(held) ? held : this.#history.block(id);
  }

  /** What a block in the DAG brings into a checkpoint; undefined where its transactions never came. */
  loadOf(id: string): BlockLoad | undefined {
    return this.#blocks.get(id)?.load;
  }

  /** A block that is in the DAG, as it is held. */
  entry(id: string): DagEntry | undefined {
    return this.#blocks.get(id);
  }

  has(id: string): boolean {
    return this.#ghostdag.has(id);
  }

  /** Whether it is held until its parents come. */
  isWaiting(id: string): boolean {
    return this.#waiting.has(id);
  }

  /** Tick of a block in the DAG; 0 for genesis. */
  tickOf(id: string): number {
    return this.#blocks.get(id)?.block.tick ?? 0;
  }

  isAncestor(ancestor: string, id: string): boolean {
    return this.#ghostdag.isAncestor(ancestor, id);
  }

  /** Blocks of a tick with their ids, in order of arrival. */
  entriesOfTick(tick: number): readonly DagEntry[] {
    return this.#byTick.get(tick) ?? [];
  }

  selectedParent(id: string): string | undefined {
    return this.#ghostdag.block(id).selectedParent;
  }

  /** Why a block with these parents, which are in the DAG, could not be merged; undefined when it could. */
  mergeFault(parents: readonly string[]): PacketFault | undefined {
    return refusalOf(() => this.#ghostdag.preview(parents));
  }

  /** What is new below `tip` and not below `since`, in GHOSTDAG order. Throws as `Ghostdag.orderSince`. */
  idsSince(since: string, tip: string, limit: number): readonly string[] {
    return since === tip ? [] : this.#ghostdag.orderSince(since, tip, limit);
  }

  /** Parents that waiting blocks lack and that do not wait themselves, each with the first block that lacks it. */
  get missing(): Map<string, DagBlock> {
    const missing = new Map<string, DagBlock>();
    for (const [, block] of this.#waiting)
      for (const parent of block.parents)
        if (!this.#ghostdag.has(parent) && !this.#waiting.has(parent) && !missing.has(parent))
          missing.set(parent, block);
    return missing;
  }

  /** What has to come before a block can be in the DAG: itself, or ancestors where it waits. Cost: the blocks that wait. */
  missingFor(id: string): string[] {
    const missing: string[] = [];
    const seen = new Set([id]);
    for (const one of seen) {
      if (this.#ghostdag.has(one)) continue;
      const block = this.#waiting.get(one);
      if (block === undefined) missing.push(one);
      else for (const parent of block.parents) seen.add(parent);
    }
    return missing;
  }

  /** Takes a block in whose signature is checked. Cost: one GHOSTDAG insertion for each block that becomes complete. */
  insert(block: DagBlock): Insertion {
    const id = blockId(block);
    if (this.#ghostdag.has(id) || this.#waiting.has(id)) return { kind: "known" };
    const missing = block.parents.filter((parent) => !this.#ghostdag.has(parent));
    if (missing.length > 0) {
      this.#waiting.add(id, block);
      return { kind: "waiting", missing: missing.filter((parent) => !this.#waiting.has(parent)) };
    }
    const reason = this.#add(id, block);
    if (reason !== undefined) return { kind: "refused", reason };
    const { released, refused } = this.#release();
    return { kind: "inserted", blocks: [block, ...released], refused };
  }

  #add(id: string, block: DagBlock): PacketFault | undefined {
    const reason = this.#rule(block);
    if (reason !== undefined) return reason;
    const refusal = refusalOf(() => this.#ghostdag.insert(id, block.parents));
    if (refusal !== undefined) return refusal;
    this.#hold(id, block);
    return undefined;
  }

  #hold(id: string, block: DagBlock | BlockHeader): void {
    const load = isWhole(block) ? { transactions: block.transactions.length, gas: gasOf(block) } : undefined;
    const entry = { id, block, load };
    this.#blocks.set(id, entry);
    if (isWhole(block)) {
      this.#heldBytes += memoryOf(block);
      this.#whole.add(entry);
    }
    const ofTick = this.#byTick.get(block.tick);
    if (ofTick === undefined) this.#byTick.set(block.tick, [entry]);
    else ofTick.push(entry);
  }

  #forget(id: string): void {
    const entry = this.#blocks.get(id);
    if (entry === undefined) return;
    const { block } = entry;
    this.#blocks.delete(id);
    this.#letGo(entry);
    const left = this.#byTick.get(block.tick)?.filter((one) => one !== entry) ?? [];
    if (left.length === 0) this.#byTick.delete(block.tick);
    else this.#byTick.set(block.tick, left);
  }

  #letGo(entry: HeldEntry): void {
    if (!isWhole(entry.block)) return;
    this.#heldBytes -= memoryOf(entry.block);
    this.#whole.delete(entry);
  }

  #release(): { readonly released: readonly DagBlock[]; readonly refused: readonly RefusedBlock[] } {
    const released: DagBlock[] = [];
    const refused: RefusedBlock[] = [];
    for (let progress = true; progress; ) {
      progress = false;
      for (const [id, block] of this.#waiting) {
        if (!block.parents.every((parent) => this.#ghostdag.has(parent))) continue;
        this.#waiting.delete(id);
        progress = true;
        const reason = this.#add(id, block);
        if (reason === undefined) released.push(block);
        else refused.push({ block, reason });
      }
    }
    return { released, refused };
  }
}

/** With what GHOSTDAG refuses a block whose parents are there, and as many as they may be. */
const REFUSALS: readonly PacketFault[] = ["below-pruning-point", "merge-too-deep", "mergeset-too-large"];

/** Why a DAG refuses; what is our own fault is thrown. */
function refusalOf(attempt: () => unknown): PacketFault | undefined {
  try {
    attempt();
    return undefined;
  } catch (error) {
    const refusal = isCodedError(error) ? REFUSALS.find((one) => one === error.code) : undefined;
    if (refusal === undefined) throw error;
    return refusal;
  }
}
