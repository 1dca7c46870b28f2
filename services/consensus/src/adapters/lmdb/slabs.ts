const SLAB_BYTES = 65_536;

/** Room for the many small values of one write: one piece of memory for hundreds, which is given back with the last of them. */
export class Slabs {
  #slab = new Uint8Array(0);
  #used = 0;

  /** Zeroed bytes that nobody else has. */
  readonly take = (bytes: number): Uint8Array => {
    if (bytes > SLAB_BYTES) return new Uint8Array(bytes);
    if (this.#used + bytes > this.#slab.length) {
      this.#slab = new Uint8Array(SLAB_BYTES);
      this.#used = 0;
    }
    const start = this.#used;
    this.#used += bytes;
    return this.#slab.subarray(start, this.#used);
  };
}
