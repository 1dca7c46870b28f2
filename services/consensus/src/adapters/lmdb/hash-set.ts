const WORDS = 4;
const FIRST_CAPACITY = 4_096;
const MOST_FULL = 0.6;

/**
 * A set of hashes in flat memory, 16 bytes of each: enough that nobody makes two with the same beginning. About 27 to 53 bytes
 * for each hash; open addressing, so that adding and asking cost O(1).
 */
export class HashSet {
  #table = new Uint32Array(FIRST_CAPACITY * WORDS);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Whether it was not there before. */
  add(hash: Uint8Array): boolean {
    if (this.#size >= (this.#table.length / WORDS) * MOST_FULL) this.#grow();
    const words = wordsOf(hash);
    const at = slotOf(this.#table, words);
    if (isTaken(this.#table, at)) return false;
    this.#table.set(words, at);
    this.#size += 1;
    return true;
  }

  has(hash: Uint8Array): boolean {
    return isTaken(this.#table, slotOf(this.#table, wordsOf(hash)));
  }

  #grow(): void {
    const old = this.#table;
    this.#table = new Uint32Array(old.length * 2);
    for (let at = 0; at < old.length; at += WORDS) {
      if (!isTaken(old, at)) continue;
      const words = old.subarray(at, at + WORDS);
      this.#table.set(words, slotOf(this.#table, words));
    }
  }
}

const view = new DataView(new ArrayBuffer(WORDS * 4));
const words = new Uint32Array(WORDS);

/** The beginning of a hash; valid until the next call. Never all zeros, which stands for an empty slot. */
function wordsOf(hash: Uint8Array): Uint32Array {
  for (let index = 0; index < WORDS * 4; index++) view.setUint8(index, hash[index] as number);
  for (let index = 0; index < WORDS; index++) words[index] = view.getUint32(index * 4);
  if (words.every((word) => word === 0)) words[0] = 1;
  return words;
}

/** Where a hash is, or where it would be put. */
function slotOf(table: Uint32Array, key: Uint32Array): number {
  const mask = table.length / WORDS - 1;
  for (let slot = (key[0] as number) & mask; ; slot = (slot + 1) & mask) {
    const at = slot * WORDS;
    if (!isTaken(table, at)) return at;
    let index = 0;
    while (index < WORDS && table[at + index] === key[index]) index += 1;
    if (index === WORDS) return at;
  }
}

function isTaken(table: Uint32Array, at: number): boolean {
  return table[at] !== 0 || table[at + 1] !== 0 || table[at + 2] !== 0 || table[at + 3] !== 0;
}
