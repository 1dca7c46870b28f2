import { Ghostdag, type GhostdagBlock } from "@aios/core-ghostdag/ghostdag";
import type { GhostdagParameters } from "@aios/core-ghostdag/ghostdag-parameters";
import { isCodedError } from "@aios/kernel/coded-error";
import { blockId, type DagBlock } from "./dag-block.js";
import { WaitingBlocks, type WaitingLimits } from "./waiting-blocks.js";

export const GENESIS_BLOCK = "genesis";

/** What became of a block that came in. */
export type Insertion =
  /** It is in the DAG, with those that waited for it; ancestors first. */
  | { readonly kind: "inserted"; readonly blocks: readonly DagBlock[] }
  /** It waits for these. */
  | { readonly kind: "waiting"; readonly missing: readonly string[] }
  | { readonly kind: "known" }
  | { readonly kind: "refused"; readonly reason: string };

/** Whether a block may be in the DAG, given that its parents are: undefined, or why not. */
export type BlockRule = (block: DagBlock) => string | undefined;

/**
 * The blocks a node holds, coloured and ordered by GHOSTDAG, and those that wait for a parent.
 *
 * Blocks that wait are bounded: beyond the limits the oldest are forgotten, to be fetched again when they are needed.
 */
export class BlockDag {
  readonly #ghostdag: Ghostdag;
  readonly #rule: BlockRule;
  readonly #blocks = new Map<string, DagBlock>();
  readonly #byTick = new Map<number, { readonly id: string; readonly block: DagBlock }[]>();
  readonly #waiting: WaitingBlocks;

  constructor(parameters: GhostdagParameters, rule: BlockRule, waiting: WaitingLimits) {
    this.#ghostdag = new Ghostdag(parameters, GENESIS_BLOCK);
    this.#rule = rule;
    this.#waiting = new WaitingBlocks(waiting);
  }

  get tips(): string[] {
    return this.#ghostdag.tips;
  }

  /** A block that is in the DAG. */
  block(id: string): DagBlock | undefined {
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
    return this.#blocks.get(id)?.tick ?? 0;
  }

  isAncestor(ancestor: string, id: string): boolean {
    return this.#ghostdag.isAncestor(ancestor, id);
  }

  /** Blocks of a tick with their ids, in order of arrival. */
  entriesOfTick(tick: number): readonly { readonly id: string; readonly block: DagBlock }[] {
    return this.#byTick.get(tick) ?? [];
  }

  selectedParent(id: string): string | undefined {
    return this.#ghostdag.block(id).selectedParent;
  }

  /** How GHOSTDAG sees a block that is in the DAG. */
  colouring(id: string): GhostdagBlock {
    return this.#ghostdag.block(id);
  }

  /** Why a block with these parents, which are in the DAG, could not be merged; undefined when it could. */
  mergeFault(parents: readonly string[]): string | undefined {
    return refusalOf(() => this.#ghostdag.preview(parents));
  }

  /** What is new below `tip` and not below `since`, in GHOSTDAG order. Throws as `Ghostdag.orderSince`. */
  orderSince(since: string, tip: string, limit: number): DagBlock[] {
    if (since === tip) return [];
    return this.#ghostdag.orderSince(since, tip, limit).map((id) => this.#blocks.get(id) as DagBlock);
  }

  /** Parents that waiting blocks lack and that do not wait themselves. */
  get missing(): string[] {
    const missing = new Set<string>();
    for (const [, block] of this.#waiting)
      for (const parent of block.parents)
        if (!this.#ghostdag.has(parent) && !this.#waiting.has(parent)) missing.add(parent);
    return [...missing];
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
    return { kind: "inserted", blocks: [block, ...this.#release()] };
  }

  #add(id: string, block: DagBlock): string | undefined {
    const reason = this.#rule(block);
    if (reason !== undefined) return reason;
    const refusal = refusalOf(() => this.#ghostdag.insert(id, block.parents));
    if (refusal !== undefined) return refusal;
    this.#blocks.set(id, block);
    const ofTick = this.#byTick.get(block.tick);
    if (ofTick === undefined) this.#byTick.set(block.tick, [{ id, block }]);
    else ofTick.push({ id, block });
    return undefined;
  }

  #release(): DagBlock[] {
    const released: DagBlock[] = [];
    for (let progress = true; progress; ) {
      progress = false;
      for (const [id, block] of this.#waiting) {
        if (!block.parents.every((parent) => this.#ghostdag.has(parent))) continue;
        this.#waiting.delete(id);
        progress = true;
        if (this.#add(id, block) === undefined) released.push(block);
      }
    }
    return released;
  }
}

/** The code with which a DAG refuses; what is our own fault is thrown. */
function refusalOf(attempt: () => unknown): string | undefined {
  try {
    attempt();
    return undefined;
  } catch (error) {
    if (!isCodedError(error) || error.errorClass === "bug") throw error;
    return error.code;
  }
}
