import type { FinalityView } from "../../domain/block-tag.js";

const HEIGHT = 0;
const FINALIZED = 1;

/**
 * How far the chain is, in memory that threads share: whoever makes blocks says so here before it tells anyone, so whoever
 * reads here is never behind what a user has heard elsewhere. Heights below 2^31.
 */
export class SharedHead {
  readonly #heights: Int32Array;

  constructor(readonly memory: SharedArrayBuffer = new SharedArrayBuffer(8)) {
    this.#heights = new Int32Array(memory);
  }

  get height(): number {
    return Atomics.load(this.#heights, HEIGHT);
  }

  /** A checkpoint of this height is on disk. */
  stored(height: number, finalized: number): void {
    Atomics.store(this.#heights, HEIGHT, height);
    this.finalized(finalized);
  }

  finalized(height: number): void {
    Atomics.store(this.#heights, FINALIZED, height);
  }

  readonly finality: FinalityView = (latestHeight) =>
    Math.min(latestHeight, Atomics.load(this.#heights, FINALIZED));
}
