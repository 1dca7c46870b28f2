import type { SortedEntries } from "@aios/core-trie/sorted-trie";

const KEY_BYTES = 32;
const FIRST_ROWS = 64;
const FIRST_BYTES = 4_096;
/** Rows are put into so many groups by the first bytes of their keys, and sorted within each. */
const GROUP_BITS = 16;

/** Rows by keys of 32 evenly spread bytes, in flat memory: 36 bytes a row beside its value, and no objects. */
export class SortedRows implements SortedEntries {
  #keys = new Uint8Array(FIRST_ROWS * KEY_BYTES);
  #values = new Uint8Array(FIRST_BYTES);
  /** Where each value ends. */
  #ends = new Float64Array(FIRST_ROWS);
  #order: Uint32Array | undefined;
  length = 0;

  add(key: Uint8Array, value: Uint8Array): void {
    const start = this.#start(this.length);
    if (this.length === this.#ends.length) {
      this.#keys = grown(this.#keys, this.#keys.length * 2);
      this.#ends = grown(this.#ends, this.#ends.length * 2);
    }
    if (start + value.length > this.#values.length)
      this.#values = grown(this.#values, Math.max(this.#values.length * 2, start + value.length));
    this.#keys.set(key, this.length * KEY_BYTES);
    this.#values.set(value, start);
    this.#ends[this.length++] = start + value.length;
    this.#order = undefined;
  }

  /** Forgets the rows and keeps the memory, for the next few. */
  clear(): void {
    this.length = 0;
    this.#order = undefined;
  }

  key(index: number): Uint8Array {
    const at = this.#at(index) * KEY_BYTES;
    return this.#keys.subarray(at, at + KEY_BYTES);
  }

  value(index: number): Uint8Array {
    const at = this.#at(index);
    return this.#values.subarray(this.#start(at), this.#ends[at]);
  }

  #start(at: number): number {
    return at === 0 ? 0 : (this.#ends[at - 1] as number);
  }

  #at(index: number): number {
    this.#order ??= this.#sorted();
    return this.#order[index] as number;
  }

  #sorted(): Uint32Array {
    const { length } = this;
    const order = new Uint32Array(length);
    const compare = (a: number, b: number): number => this.#compare(a, b);
    // Few rows need no groups.
    if (length < 1 << 10) return order.map((_, at) => at).sort(compare);
    const next = new Uint32Array((1 << GROUP_BITS) + 1);
    for (let at = 0; at < length; at++) count(next, this.#group(at) + 1);
    for (let group = 1; group < next.length; group++)
      next[group] = (next[group] as number) + (next[group - 1] as number);
    const starts = Uint32Array.from(next);
    for (let at = 0; at < length; at++) order[count(next, this.#group(at))] = at;
    for (let group = 0; group + 1 < starts.length; group++)
      order.subarray(starts[group], starts[group + 1]).sort(compare);
    return order;
  }

  #group(at: number): number {
    const first = at * KEY_BYTES;
    return ((this.#keys[first] as number) << 8) | (this.#keys[first + 1] as number);
  }

  #compare(a: number, b: number): number {
    const firstA = a * KEY_BYTES;
    const firstB = b * KEY_BYTES;
    for (let at = 0; at < KEY_BYTES; at++) {
      const difference = (this.#keys[firstA + at] as number) - (this.#keys[firstB + at] as number);
      if (difference !== 0) return difference;
    }
    return 0;
  }
}

/** Adds one to a counter and returns what it was. */
function count(counters: Uint32Array, at: number): number {
  const before = counters[at] as number;
  counters[at] = before + 1;
  return before;
}

function grown<T extends Uint8Array | Float64Array>(now: T, length: number): T {
  const wanted = now instanceof Uint8Array ? new Uint8Array(length) : new Float64Array(length);
  wanted.set(now);
  return wanted as T;
}
