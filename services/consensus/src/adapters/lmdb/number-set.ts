const FIRST_CAPACITY = 4_096;
const MOST_FULL = 0.6;
/** Spreads numbers that follow each other (Knuth, The Art of Computer Programming 3, 6.4). */
const MULTIPLIER = 0x9e3779b1;
const HALF = 2 ** 32;

/** A set of integers from 1 to 2^53 in flat memory, 13 to 27 bytes each; open addressing, so that both methods cost O(1). */
export class NumberSet {
  #table = new Float64Array(FIRST_CAPACITY);
  #size = 0;

  /** Whether it was not there before. */
  add(number: number): boolean {
    if (this.#size >= this.#table.length * MOST_FULL) this.#grow();
    const slot = slotOf(this.#table, number);
    if (this.#table[slot] === number) return false;
    this.#table[slot] = number;
    this.#size += 1;
    return true;
  }

  has(number: number): boolean {
    return this.#table[slotOf(this.#table, number)] === number;
  }

  #grow(): void {
    const old = this.#table;
    this.#table = new Float64Array(old.length * 2);
    for (const number of old) if (number !== 0) this.#table[slotOf(this.#table, number)] = number;
  }
}

/** Where a number is, or where it would be put. */
function slotOf(table: Float64Array, number: number): number {
  const mask = table.length - 1;
  const mixed = Math.imul((number | 0) ^ Math.floor(number / HALF), MULTIPLIER);
  for (let slot = (mixed ^ (mixed >>> 15)) & mask; ; slot = (slot + 1) & mask)
    if (table[slot] === 0 || table[slot] === number) return slot;
}
