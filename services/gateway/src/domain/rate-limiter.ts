export const RATE_LIMITER = Symbol("rate limiter");

export type RateDecision = { readonly allowed: true } | { readonly allowed: false; readonly retryAfterMs: number };

/** Limits how often one caller may call. */
export interface RateLimiter {
  take(key: string, cost: number): Promise<RateDecision>;
}
