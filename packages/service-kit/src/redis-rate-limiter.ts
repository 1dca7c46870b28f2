import { decide, type RateDecision, type RateLimit, type RateLimiter } from "./rate-limiter.js";
import type { RedisConnection } from "./redis-connection.js";

/** The arithmetic of `takeFrom`, on Redis's clock. A bucket is forgotten once it would be full again. */
const TAKE = {
  source: `
local capacity, refill, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local bucket = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens, at = tonumber(bucket[1]), tonumber(bucket[2])
if tokens == nil or at == nil then
  tokens, at = capacity, now
end
tokens = math.min(capacity, tokens + math.max(0, now - at) * refill / 1000)
local allowed = 0
if tokens >= cost then
  allowed = 1
  tokens = tokens - cost
end
redis.call('HSET', KEYS[1], 'tokens', string.format('%.17g', tokens), 'at', math.max(now, at))
local full = math.ceil((capacity - tokens) * 1000 / refill) + 1000
redis.call('PEXPIRE', KEYS[1], math.min(full, 9007199254740991))
return { allowed, string.format('%.17g', tokens) }`,
};

/** Token buckets in Redis: one step a call, so they count exactly over all processes. A flush fills every bucket. */
export class RedisRateLimiter implements RateLimiter {
  readonly #redis: RedisConnection;

  constructor(redis: RedisConnection) {
    this.#redis = redis;
  }

  async take(key: string, limit: RateLimit, cost = 1): Promise<RateDecision> {
    const answer = await this.#redis.run(
      TAKE,
      [`rate:${key}`],
      [limit.capacity, limit.refillPerSecond, cost],
    );
    const [allowed, tokens] = answer as readonly [number, string];
    return decide(allowed === 1, Number(tokens), limit, cost);
  }
}
