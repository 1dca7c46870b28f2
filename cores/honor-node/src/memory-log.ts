import type { ChainBase } from "./chain-base.js";
import type { ChainHistory } from "./chain-history.js";
import { type BlockHeader, blockId, type DagBlock, isWhole } from "./dag-block.js";
import type { Decision, LogEntry } from "./node-protocol.js";

type BlockEntry = Extract<LogEntry, { kind: "block" }>;

/** What a log keeps of the entries of a node, in memory: for simulation. With `archive` nothing is given up but space in memory. */
export class MemoryLog implements ChainHistory {
  readonly #isArchive: boolean;
  #base: ChainBase | undefined;
  readonly #decisions = new Map<number, Decision>();
  readonly #orders = new Map<number, readonly string[]>();
  readonly #blocks = new Map<string, BlockEntry>();
  readonly #archived = new Map<string, DagBlock | BlockHeader>();
  #transactions: LogEntry[] = [];
  #safety: LogEntry | undefined;
  #abstention: LogEntry | undefined;

  constructor(options: { readonly archive: boolean } = { archive: false }) {
    this.#isArchive = options.archive;
  }

  /** Entries that a start reads. */
  get size(): number {
    return [...this.entries()].length;
  }

  append(entry: LogEntry): void {
    if (entry.kind === "safety") this.#safety = entry;
    else if (entry.kind === "abstention") this.#abstention = entry;
    else if (entry.kind === "transactions") this.#transactions.push(entry);
    else if (entry.kind === "decision") this.#decisions.set(entry.decision.checkpoint.height, entry.decision);
    else if (entry.kind === "order") this.#orders.set(entry.height, entry.blocks);
    else if (entry.kind === "block") this.#blocks.set(blockId(entry.block), entry);
    else this.#prune(entry);
  }

  /** What a start reads: the base first, then what came after it. */
  *entries(): Generator<LogEntry> {
    const { height, firstDecision } = this.#base ?? { height: 0, firstDecision: 1 };
    if (this.#base !== undefined) yield { kind: "base", base: this.#base, gone: [], accepted: [] };
    for (const [at, decision] of this.#decisions)
      if (at >= firstDecision) yield { kind: "decision", decision };
    for (const [at, blocks] of this.#orders) if (at > height) yield { kind: "order", height: at, blocks };
    yield* this.#blocks.values();
    yield* this.#transactions;
    if (this.#safety !== undefined) yield this.#safety;
    if (this.#abstention !== undefined) yield this.#abstention;
  }

  block(id: string): DagBlock | undefined {
    const block = this.#blocks.get(id)?.block ?? this.#archived.get(id);
    return block !== undefined && isWhole(block) ? block : undefined;
  }

  hasBlock(id: string): boolean {
    return this.block(id) !== undefined;
  }

  decision(height: number): Decision | undefined {
    return this.#decisions.get(height);
  }

  order(height: number): readonly string[] | undefined {
    return this.#orders.get(height);
  }

  #prune({ base, gone, accepted }: Extract<LogEntry, { kind: "base" }>): void {
    this.#base = base;
    this.#transactions = accepted.length > 0 ? [{ kind: "transactions", transactions: accepted }] : [];
    for (const id of gone) {
      const entry = this.#blocks.get(id);
      if (this.#isArchive && entry !== undefined) this.#archived.set(id, entry.block);
      this.#blocks.delete(id);
    }
    if (this.#isArchive) return;
    for (const [height, { nextSet }] of this.#decisions)
      if (height < base.firstDecision && nextSet === undefined) this.#decisions.delete(height);
    for (const height of this.#orders.keys()) if (height <= base.height) this.#orders.delete(height);
  }
}
