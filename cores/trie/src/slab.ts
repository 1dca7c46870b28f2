const LARGE_BYTES = 65_536;
const FIRST_BYTES = 4_096;
const GROWTH = 4;

/** The least multiple of four bytes from `length` on. */
export const aligned = (length: number): number => (length + 3) & ~3;

/** A piece of memory that many nodes share, and that is given back with the last of them. */
export class Slab {
  readonly bytes: Uint8Array;
  /** The same memory: nodes start at whole words, so that they are copied and hashed by them. */
  readonly words: Int32Array;

  constructor(length: number) {
    const buffer = new ArrayBuffer(length);
    this.bytes = new Uint8Array(buffer);
    this.words = new Int32Array(buffer);
  }
}

const NO_SLAB = new Slab(0);

/** Gives out zeroed memory in slabs, of which a larger one follows when one is full: a small trie takes a small one. */
export class SlabWriter {
  /** Where what was taken last is. */
  slab = NO_SLAB;
  #used = 0;
  #next = FIRST_BYTES;

  /** Returns where in `slab` so many bytes are, at a whole word. */
  take(length: number): number {
    const bytes = aligned(length);
    if (this.#used + bytes > this.slab.bytes.length) this.#grow(bytes);
    const at = this.#used;
    this.#used += bytes;
    return at;
  }

  /** So many zeroed bytes, which nobody else has. */
  readonly view = (length: number): Uint8Array => {
    const at = this.take(length);
    return this.slab.bytes.subarray(at, at + length);
  };

  #grow(bytes: number): void {
    this.slab = new Slab(Math.max(bytes, this.#next));
    this.#next = Math.min(LARGE_BYTES, this.#next * GROWTH);
    this.#used = 0;
  }
}
