import type { Clock } from "@aios/kernel/clock";
import {
  type Bucket,
  type RateDecision,
  type RateLimit,
  type RateLimiter,
  takeFrom,
} from "./rate-limiter.js";

const LARGEST_NUMBER_OF_KEYS = 100_000;

/** For one process. When too many keys are in use the longest unused ones start afresh. */
export class MemoryRateLimiter implements RateLimiter {
  readonly #clock: Clock;
  readonly #largest: number;
  readonly #buckets = new Map<string, Bucket>();

  constructor(clock: Clock, largestNumberOfKeys = LARGEST_NUMBER_OF_KEYS) {
    this.#clock = clock;
    this.#largest = largestNumberOfKeys;
  }

  async take(key: string, limit: RateLimit, cost = 1): Promise<RateDecision> {
    const { bucket, decision } = takeFrom(this.#buckets.get(key), limit, cost, this.#clock.now());
    // Delete and set moves the key to the end, so that the first is the longest unused.
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    if (this.#buckets.size > this.#largest) {
      const [oldest] = this.#buckets.keys();
      if (oldest !== undefined) this.#buckets.delete(oldest);
    }
    return decision;
  }
}
