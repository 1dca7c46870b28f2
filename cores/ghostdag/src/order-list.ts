import { CodedError } from "@aios/kernel/coded-error";

const BUCKET_CAPACITY = 64;
const ITEM_SPACE = 2 ** 30;
const BUCKET_SPACE_BITS = 52;
/** Density threshold of Bender et al.: a tag range of 2^i may hold (2 / T)^i buckets, here up to 10^8 in all. */
const OVERFLOW_RATIO = 1.4;
const NONE = -1;
const FIRST_CAPACITY = 1024;

/**
 * A list that answers "is a before b?" in constant time while items are inserted anywhere.
 *
 * Order maintenance after Bender, Cole, Demaine, Farach-Colton and Zito, "Two simplified algorithms for
 * maintaining order in a list" (ESA 2002), two levels: buckets of at most 64 items, each with a tag, and a tag for
 * each item in its bucket. Tags are integers: 2^30 per bucket, 2^52 for buckets.
 *
 * Cost: an insertion changes O(1) tags amortised, whatever the order of insertions: a full bucket is split every
 * 32 insertions at most, and a new bucket moves O(log n) others amortised. `relabels` counts every changed tag.
 */
export class OrderList {
  #next = new Int32Array(FIRST_CAPACITY);
  #previous = new Int32Array(FIRST_CAPACITY);
  #tag = new Int32Array(FIRST_CAPACITY);
  #bucketOf = new Int32Array(FIRST_CAPACITY);

  #bucketTag = new Float64Array(FIRST_CAPACITY);
  #bucketNext = new Int32Array(FIRST_CAPACITY);
  #bucketPrevious = new Int32Array(FIRST_CAPACITY);
  #bucketFirst = new Int32Array(FIRST_CAPACITY);
  #bucketSize = new Int32Array(FIRST_CAPACITY);
  readonly #freeBuckets: number[] = [];
  #bucketCount = 0;
  #size = 0;

  #relabels = 0;
  #largestRelabel = 0;

  /** Number of items. */
  get size(): number {
    return this.#size;
  }

  /** Tags changed so far by relabelling: what all insertions together paid beyond their own tags. */
  get relabels(): number {
    return this.#relabels;
  }

  /** The most tags that one insertion changed. */
  get largestRelabel(): number {
    return this.#largestRelabel;
  }

  /** Puts the first item into an empty list. Items are numbered by the caller, densely. */
  insertFirst(item: number): void {
    if (this.#size !== 0) throw misuse("the list has a first item already");
    this.#reserveItem(item);
    const bucket = this.#newBucket();
    this.#bucketTag[bucket] = 2 ** (BUCKET_SPACE_BITS - 1);
    this.#bucketNext[bucket] = NONE;
    this.#bucketPrevious[bucket] = NONE;
    this.#bucketFirst[bucket] = item;
    this.#bucketSize[bucket] = 1;
    this.#next[item] = NONE;
    this.#previous[item] = NONE;
    this.#bucketOf[item] = bucket;
    this.#tag[item] = ITEM_SPACE / 2;
    this.#size = 1;
  }

  /** Puts `item` right after `anchor`. */
  insertAfter(anchor: number, item: number): void {
    this.#reserveItem(item);
    const before = this.#relabels;
    if (at(this.#bucketSize, at(this.#bucketOf, anchor)) >= BUCKET_CAPACITY)
      this.#split(at(this.#bucketOf, anchor));
    const bucket = at(this.#bucketOf, anchor);
    if (this.#gapAfter(anchor) < 2) this.#spreadItems(bucket);
    this.#tag[item] = at(this.#tag, anchor) + Math.floor(this.#gapAfter(anchor) / 2);
    this.#bucketOf[item] = bucket;
    this.#bucketSize[bucket] = at(this.#bucketSize, bucket) + 1;
    const next = at(this.#next, anchor);
    this.#next[item] = next;
    this.#previous[item] = anchor;
    this.#next[anchor] = item;
    if (next !== NONE) this.#previous[next] = item;
    this.#size += 1;
    this.#largestRelabel = Math.max(this.#largestRelabel, this.#relabels - before);
  }

  /** Puts `item` right before `anchor`, which must not be the first item. */
  insertBefore(anchor: number, item: number): void {
    const previous = at(this.#previous, anchor);
    if (previous === NONE) throw misuse("nothing goes before the first item");
    this.insertAfter(previous, item);
  }

  /** Takes an item out; its number may be used again. */
  remove(item: number): void {
    const next = at(this.#next, item);
    const previous = at(this.#previous, item);
    const bucket = at(this.#bucketOf, item);
    if (next !== NONE) this.#previous[next] = previous;
    if (previous !== NONE) this.#next[previous] = next;
    this.#size -= 1;
    const left = at(this.#bucketSize, bucket) - 1;
    this.#bucketSize[bucket] = left;
    if (left === 0) this.#removeBucket(bucket);
    else if (at(this.#bucketFirst, bucket) === item) this.#bucketFirst[bucket] = next;
  }

  /** Negative when `a` comes before `b`, positive when after, 0 when they are the same item. O(1). */
  compare(a: number, b: number): number {
    const bucketA = at(this.#bucketOf, a);
    const bucketB = at(this.#bucketOf, b);
    if (bucketA === bucketB) return at(this.#tag, a) - at(this.#tag, b);
    return at(this.#bucketTag, bucketA) - at(this.#bucketTag, bucketB);
  }

  #gapAfter(anchor: number): number {
    const next = at(this.#next, anchor);
    const inBucket = next !== NONE && at(this.#bucketOf, next) === at(this.#bucketOf, anchor);
    return (inBucket ? at(this.#tag, next) : ITEM_SPACE) - at(this.#tag, anchor);
  }

  #spreadItems(bucket: number): void {
    const size = at(this.#bucketSize, bucket);
    const gap = Math.floor(ITEM_SPACE / (size + 1));
    let item = at(this.#bucketFirst, bucket);
    for (let i = 1; i <= size; i++) {
      this.#tag[item] = i * gap;
      item = at(this.#next, item);
    }
    this.#relabels += size;
  }

  #split(bucket: number): void {
    const right = this.#newBucket();
    const kept = at(this.#bucketSize, bucket) >> 1;
    let item = at(this.#bucketFirst, bucket);
    for (let i = 0; i < kept; i++) item = at(this.#next, item);
    this.#bucketFirst[right] = item;
    this.#bucketSize[right] = at(this.#bucketSize, bucket) - kept;
    this.#bucketSize[bucket] = kept;
    for (let i = at(this.#bucketSize, right); i > 0; i--) {
      this.#bucketOf[item] = right;
      item = at(this.#next, item);
    }
    this.#linkBucketAfter(bucket, right);
    this.#spreadItems(bucket);
    this.#spreadItems(right);
  }

  #linkBucketAfter(left: number, bucket: number): void {
    if (this.#bucketGapAfter(left) < 2) this.#spreadBuckets(left);
    this.#bucketTag[bucket] = at(this.#bucketTag, left) + Math.floor(this.#bucketGapAfter(left) / 2);
    const next = at(this.#bucketNext, left);
    this.#bucketNext[bucket] = next;
    this.#bucketPrevious[bucket] = left;
    this.#bucketNext[left] = bucket;
    if (next !== NONE) this.#bucketPrevious[next] = bucket;
  }

  #bucketGapAfter(bucket: number): number {
    const next = at(this.#bucketNext, bucket);
    return (next === NONE ? 2 ** BUCKET_SPACE_BITS : at(this.#bucketTag, next)) - at(this.#bucketTag, bucket);
  }

  /** Finds the smallest aligned tag range around `bucket` that is sparse enough and spreads its buckets evenly. */
  #spreadBuckets(bucket: number): void {
    let first = bucket;
    let last = bucket;
    let count = 1;
    let capacity = 1;
    for (let bits = 1; bits <= BUCKET_SPACE_BITS; bits++) {
      const width = 2 ** bits;
      capacity *= 2 / OVERFLOW_RATIO;
      const start = Math.floor(at(this.#bucketTag, bucket) / width) * width;
      for (let b = at(this.#bucketPrevious, first); b !== NONE && at(this.#bucketTag, b) >= start; ) {
        first = b;
        count += 1;
        b = at(this.#bucketPrevious, b);
      }
      for (let b = at(this.#bucketNext, last); b !== NONE && at(this.#bucketTag, b) < start + width; ) {
        last = b;
        count += 1;
        b = at(this.#bucketNext, b);
      }
      if (count < capacity && width >= 4 * (count + 1)) {
        this.#assignBuckets(first, count, start, Math.floor(width / (count + 1)));
        return;
      }
    }
    throw new CodedError({
      code: "order-list-full",
      kind: "too-large",
      message: "The block graph holds more blocks than its index can order. Prune it.",
    });
  }

  #assignBuckets(first: number, count: number, start: number, gap: number): void {
    let bucket = first;
    for (let i = 1; i <= count; i++) {
      this.#bucketTag[bucket] = start + i * gap;
      bucket = at(this.#bucketNext, bucket);
    }
    this.#relabels += count;
  }

  #newBucket(): number {
    const free = this.#freeBuckets.pop();
    if (free !== undefined) return free;
    const bucket = this.#bucketCount;
    this.#bucketCount += 1;
    if (bucket >= this.#bucketTag.length) {
      this.#bucketTag = grownFloats(this.#bucketTag);
      this.#bucketNext = grown(this.#bucketNext);
      this.#bucketPrevious = grown(this.#bucketPrevious);
      this.#bucketFirst = grown(this.#bucketFirst);
      this.#bucketSize = grown(this.#bucketSize);
    }
    return bucket;
  }

  #removeBucket(bucket: number): void {
    const next = at(this.#bucketNext, bucket);
    const previous = at(this.#bucketPrevious, bucket);
    if (next !== NONE) this.#bucketPrevious[next] = previous;
    if (previous !== NONE) this.#bucketNext[previous] = next;
    this.#freeBuckets.push(bucket);
  }

  #reserveItem(item: number): void {
    while (item >= this.#next.length) {
      this.#next = grown(this.#next);
      this.#previous = grown(this.#previous);
      this.#tag = grown(this.#tag);
      this.#bucketOf = grown(this.#bucketOf);
    }
  }
}

function at(array: Int32Array | Float64Array, index: number): number {
  return array[index] as number;
}

function grown(array: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const copy = new Int32Array(array.length * 2);
  copy.set(array);
  return copy;
}

function grownFloats(array: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const copy = new Float64Array(array.length * 2);
  copy.set(array);
  return copy;
}

function misuse(why: string): CodedError {
  return new CodedError({ code: "order-list-misused", kind: "internal", message: `The order list: ${why}.` });
}
