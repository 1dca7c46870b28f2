import type { Lease, LockManager } from "./lock.js";
import type { RedisConnection } from "./redis-connection.js";

/**
 * A token is the last one plus one, but never below Redis's clock in microseconds: so it grows on even when a flush or
 * a lost write took the last one away.
 */
const ACQUIRE = {
  source: `
if redis.call('EXISTS', KEYS[1]) == 1 then return false end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local last = tonumber(redis.call('GET', KEYS[2]) or '0')
local token = string.format('%.0f', math.max(last + 1, now))
redis.call('SET', KEYS[2], token)
redis.call('SET', KEYS[1], token, 'PX', ARGV[1])
return token`,
};
const RENEW = {
  source: `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])`,
};
const RELEASE = {
  source: `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])`,
};

/**
 * Leases in one Redis. A flush, or a failover to a replica that lags, ends them early: what a lease protects must
 * refuse older fencing tokens, as `Lease` says.
 */
export class RedisLockManager implements LockManager {
  readonly #redis: RedisConnection;

  constructor(redis: RedisConnection) {
    this.#redis = redis;
  }

  async tryAcquire(name: string, ttlMs: number): Promise<Lease | undefined> {
    // The braces keep both keys in one slot of a cluster.
    const [lock, fence] = [`lock:{${name}}`, `fence:{${name}}`];
    const token = await this.#redis.run(ACQUIRE, [lock, fence], [Math.ceil(ttlMs)]);
    if (typeof token !== "string") return undefined;
    return {
      name,
      fencingToken: BigInt(token),
      renew: async (renewedTtlMs) =>
        (await this.#redis.run(RENEW, [lock], [token, Math.ceil(renewedTtlMs)])) === 1,
      release: async () => {
        await this.#redis.run(RELEASE, [lock], [token]);
      },
    };
  }
}
