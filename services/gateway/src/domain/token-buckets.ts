import type { Clock } from "@aios/kernel/clock";
import type { RateDecision, RateLimiter } from "./rate-limiter.js";

export interface BucketSettings {
  /** Tokens that a caller may take at once. */
  readonly burst: number;
  readonly perSecond: number;
  /** Callers that are remembered; the one seen longest ago is forgotten first. */
  readonly maxCallers: number;
}

interface Bucket {
  tokens: number;
  filledAtMs: number;
}

/** Token buckets in memory, for one gateway process. */
export class TokenBuckets implements RateLimiter {
  readonly #buckets = new Map<string, Bucket>();

  constructor(
    private readonly settings: BucketSettings,
    private readonly clock: Pick<Clock, "now">,
  ) {}

  async take(key: string, cost: number): Promise<RateDecision> {
    const now = this.clock.now();
    const { burst, perSecond, maxCallers } = this.settings;
    const known = this.#buckets.get(key) ?? { tokens: burst, filledAtMs: now };
    const tokens = Math.min(burst, known.tokens + ((now - known.filledAtMs) / 1_000) * perSecond);
    const allowed = tokens >= cost;
    this.#buckets.delete(key);
    this.#buckets.set(key, { tokens: allowed ? tokens - cost : tokens, filledAtMs: now });
    if (this.#buckets.size > maxCallers) {
      const oldest = this.#buckets.keys().next().value;
      if (oldest !== undefined) this.#buckets.delete(oldest);
    }
    return allowed ? { allowed: true } : { allowed: false, retryAfterMs: Math.ceil(((cost - tokens) / perSecond) * 1_000) };
  }
}
