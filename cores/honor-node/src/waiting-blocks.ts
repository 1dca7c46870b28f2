import type { DagBlock } from "./dag-block.js";

/** What a block and a parent's id cost in memory beside the transactions, about. */
const BLOCK_BYTES = 1_024;
const ID_BYTES = 128;

export interface WaitingLimits {
  readonly maxBlocks: number;
  /** Of memory, about. */
  readonly maxBytes: number;
}

/** Blocks that lack a parent, oldest first, bounded in number and bytes: beyond, the oldest are forgotten. */
export class WaitingBlocks {
  readonly #limits: WaitingLimits;
  readonly #blocks = new Map<string, DagBlock>();
  #bytes = 0;

  constructor(limits: WaitingLimits) {
    this.#limits = limits;
  }

  has(id: string): boolean {
    return this.#blocks.has(id);
  }

  [Symbol.iterator](): MapIterator<[string, DagBlock]> {
    return this.#blocks[Symbol.iterator]();
  }

  /** Takes one in that is not there; one that is larger than all that may wait is not. */
  add(id: string, block: DagBlock): void {
    const bytes = memoryOf(block);
    const { maxBlocks, maxBytes } = this.#limits;
    if (bytes > maxBytes) return;
    for (const oldest of this.#blocks.keys()) {
      if (this.#blocks.size < maxBlocks && this.#bytes + bytes <= maxBytes) break;
      this.delete(oldest);
    }
    this.#blocks.set(id, block);
    this.#bytes += bytes;
  }

  delete(id: string): void {
    const block = this.#blocks.get(id);
    if (block === undefined) return;
    this.#blocks.delete(id);
    this.#bytes -= memoryOf(block);
  }
}

/** Of a whole block, about. */
export function memoryOf({ parents, transactions }: DagBlock): number {
  return transactions.reduce(
    (sum, { payload }) => sum + payload.length + ID_BYTES,
    BLOCK_BYTES + parents.length * ID_BYTES,
  );
}
