/** A token bucket: at most `capacity` at once, refilled evenly. */
export interface RateLimit {
  readonly capacity: number;
  readonly refillPerSecond: number;
}

export interface RateDecision {
  readonly allowed: boolean;
  /** Whole tokens left. */
  readonly remaining: number;
  /** When the same call would be allowed; 0 if it is. `Infinity` when `cost` exceeds the capacity. */
  readonly retryAfterMs: number;
}

/** Limits how often something happens per key, over all processes that share the backend. */
export interface RateLimiter {
  /** Takes `cost` tokens (default 1) or none. Fails with the backend's error when it is away: callers decide how to fail. */
  take(key: string, limit: RateLimit, cost?: number): Promise<RateDecision>;
}

export interface Bucket {
  readonly tokens: number;
  readonly atMs: number;
}

/** The bucket's arithmetic: fill up since the last visit, then take if there is enough. Time never runs backwards. */
export function takeFrom(
  bucket: Bucket | undefined,
  limit: RateLimit,
  cost: number,
  nowMs: number,
): { readonly bucket: Bucket; readonly decision: RateDecision } {
  const elapsedMs = bucket === undefined ? 0 : Math.max(0, nowMs - bucket.atMs);
  const filled =
    bucket === undefined
      ? limit.capacity
      : Math.min(limit.capacity, bucket.tokens + (elapsedMs * limit.refillPerSecond) / 1_000);
  const atMs = bucket === undefined ? nowMs : Math.max(nowMs, bucket.atMs);
  const allowed = filled >= cost;
  const tokens = allowed ? filled - cost : filled;
  return { bucket: { tokens, atMs }, decision: decide(allowed, tokens, limit, cost) };
}

/** The answer for a bucket that holds `tokens` after the call. */
export function decide(allowed: boolean, tokens: number, limit: RateLimit, cost: number): RateDecision {
  if (allowed) return { allowed, remaining: Math.floor(tokens), retryAfterMs: 0 };
  const retryAfterMs =
    cost > limit.capacity
      ? Number.POSITIVE_INFINITY
      : Math.ceil(((cost - tokens) * 1_000) / limit.refillPerSecond);
  return { allowed, remaining: Math.floor(tokens), retryAfterMs };
}
