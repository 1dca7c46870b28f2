/** Integers per slot: owner, warm-in, known-original-in, 0, key, current, original, committed. */
const STRIDE = 36;
const OWNER = 0;
const WARM_IN = 1;
const ORIGINAL_IN = 2;
const KEY = 4;
const CURRENT = 12;
const ORIGINAL = 20;
const COMMITTED = 28;

export const SLOT = { STRIDE, OWNER, WARM_IN, ORIGINAL_IN, KEY, CURRENT, ORIGINAL, COMMITTED } as const;

/** Hash of an owner and a word; `seed` keeps outsiders from choosing keys that collide. */
function hash(seed: number, owner: number, words: Int32Array, at: number): number {
  let h = Math.imul(owner ^ seed, 0x9e3779b1);
  for (let i = 0; i < 8; i++) {
    h = Math.imul(h ^ words[at + i], 0x85ebca6b);
    h = (h << 13) | (h >>> 19);
  }
  h = Math.imul(h ^ (h >>> 16), 0xc2b2ae35);
  return (h ^ (h >>> 13)) >>> 0;
}

/**
 * Storage slots by (owner, key) in one growing array: open addressing, linear probing, at most half full. A slot is
 * named by the index of its first integer in `data`, which stays the same; `data` itself is replaced when it grows.
 */
export class SlotTable {
  data: Int32Array;
  #index: Int32Array;
  #count = 0;

  constructor(
    private readonly seed: number,
    capacity = 64,
  ) {
    this.data = new Int32Array(capacity * STRIDE);
    this.#index = new Int32Array(capacity * 2);
  }

  get count(): number {
    return this.#count;
  }

  /** The slot of (owner, key at `at` of `words`), or −1. */
  find(owner: number, words: Int32Array, at: number): number {
    const mask = this.#index.length - 1;
    const data = this.data;
    let i = hash(this.seed, owner, words, at) & mask;
    for (;;) {
      const entry = this.#index[i];
      if (entry === 0) return -1;
      const slot = (entry - 1) * STRIDE;
      if (
        data[slot] === owner &&
        data[slot + KEY] === words[at] &&
        data[slot + KEY + 1] === words[at + 1] &&
        data[slot + KEY + 2] === words[at + 2] &&
        data[slot + KEY + 3] === words[at + 3] &&
        data[slot + KEY + 4] === words[at + 4] &&
        data[slot + KEY + 5] === words[at + 5] &&
        data[slot + KEY + 6] === words[at + 6] &&
        data[slot + KEY + 7] === words[at + 7]
      )
        return slot;
      i = (i + 1) & mask;
    }
  }

  /** Adds a slot that `find` did not find, all values zero. */
  insert(owner: number, words: Int32Array, at: number): number {
    if ((this.#count + 1) * STRIDE > this.data.length) this.#grow();
    const slot = this.#count * STRIDE;
    this.data[slot] = owner;
    for (let i = 0; i < 8; i++) this.data[slot + KEY + i] = words[at + i];
    this.#count++;
    this.#file(this.#count, slot);
    return slot;
  }

  /** Forgets everything; keeps the memory. */
  clear(): void {
    this.data.fill(0, 0, this.#count * STRIDE);
    this.#index.fill(0);
    this.#count = 0;
  }

  #file(entry: number, slot: number): void {
    const mask = this.#index.length - 1;
    let i = hash(this.seed, this.data[slot], this.data, slot + KEY) & mask;
    while (this.#index[i] !== 0) i = (i + 1) & mask;
    this.#index[i] = entry;
  }

  #grow(): void {
    const larger = new Int32Array(this.data.length * 2);
    larger.set(this.data);
    this.data = larger;
    this.#index = new Int32Array(this.#index.length * 2);
    for (let n = 1; n <= this.#count; n++) this.#file(n, (n - 1) * STRIDE);
  }
}
