import type { DagBlock } from "./dag-block.js";

/** What a block and a parent's id cost in memory beside the transactions, about. */
const BLOCK_BYTES = 1_024;
const ID_BYTES = 128;

export interface WaitingLimits {
  readonly maxBlocks: number;
  /** Of memory, about. */
  readonly maxBytes: number;
}

/** Blocks of one maker that wait. */
interface OfMaker {
  readonly ids: Set<string>;
  bytes: number;
}

/**
 * Blocks that lack a parent, oldest first, bounded in number and bytes: beyond, the oldest of the maker are forgotten of whom
 * most wait, so that one which signs without end crowds out its own.
 */
export class WaitingBlocks {
  readonly #limits: WaitingLimits;
  readonly #blocks = new Map<string, DagBlock>();
  readonly #makers = new Map<string, OfMaker>();
  #bytes = 0;

  constructor(limits: WaitingLimits) {
    this.#limits = limits;
  }

  has(id: string): boolean {
    return this.#blocks.has(id);
  }

  get(id: string): DagBlock | undefined {
    return this.#blocks.get(id);
  }

  [Symbol.iterator](): MapIterator<[string, DagBlock]> {
    return this.#blocks[Symbol.iterator]();
  }

  /** Takes one in that is not there; one that is larger than all that may wait is not. */
  add(id: string, block: DagBlock): void {
    const bytes = memoryOf(block);
    const { maxBlocks, maxBytes } = this.#limits;
    if (bytes > maxBytes) return;
    const maker = makerOf(block);
    const own = this.#makers.get(maker) ?? { ids: new Set(), bytes: 0 };
    this.#makers.set(maker, own);
    own.ids.add(id);
    own.bytes += bytes;
    this.#blocks.set(id, block);
    this.#bytes += bytes;
    while (this.#blocks.size > maxBlocks) this.#forgetOne(({ ids }) => ids.size);
    while (this.#bytes > maxBytes) this.#forgetOne((one) => one.bytes);
  }

  delete(id: string): void {
    const block = this.#blocks.get(id);
    if (block === undefined) return;
    const bytes = memoryOf(block);
    this.#blocks.delete(id);
    this.#bytes -= bytes;
    const maker = makerOf(block);
    const own = this.#makers.get(maker) as OfMaker;
    own.ids.delete(id);
    own.bytes -= bytes;
    if (own.ids.size === 0) this.#makers.delete(maker);
  }

  #forgetOne(share: (one: OfMaker) => number): void {
    const [first, ...others] = this.#makers.values();
    const largest = others.reduce((most, one) => (share(one) > share(most) ? one : most), first as OfMaker);
    this.delete(largest.ids.keys().next().value as string);
  }
}

function makerOf({ setNumber, seat }: DagBlock): string {
  return `${setNumber}/${seat}`;
}

/** Of a whole block, about. */
export function memoryOf({ parents, transactions }: DagBlock): number {
  return transactions.reduce(
    (sum, { payload }) => sum + payload.length + ID_BYTES,
    BLOCK_BYTES + parents.length * ID_BYTES,
  );
}
