import type { PostgresPool } from "./postgres-pool.js";
import { decide, type RateDecision, type RateLimit, type RateLimiter } from "./rate-limiter.js";

const PRUNE_BATCH = 5_000;

/**
 * One statement a call; the database's clock counts. Buckets are not written ahead: after a crash of the server they
 * are full again. Needs `createCoordinationSchema`.
 */
export class PostgresRateLimiter implements RateLimiter {
  readonly #pool: PostgresPool;

  constructor(pool: PostgresPool) {
    this.#pool = pool;
  }

  async take(key: string, limit: RateLimit, cost = 1): Promise<RateDecision> {
    const { rows } = await this.#pool.query<{ tokens: number; allowed: boolean }>(
      `INSERT INTO coordination.rate_buckets AS b (key, tokens, allowed, at)
       VALUES ($1, CASE WHEN $2::float8 >= $4::float8 THEN $2::float8 - $4::float8 ELSE $2::float8 END,
               $2::float8 >= $4::float8, clock_timestamp())
       ON CONFLICT (key) DO UPDATE SET (tokens, allowed, at) = (
         SELECT CASE WHEN f.filled >= $4::float8 THEN f.filled - $4::float8 ELSE f.filled END,
                f.filled >= $4::float8, greatest(b.at, clock_timestamp())
         FROM (SELECT least($2::float8, b.tokens
                 + greatest(0, extract(epoch FROM clock_timestamp() - b.at))::float8 * $3::float8) AS filled) f)
       RETURNING tokens, allowed`,
      [key, limit.capacity, limit.refillPerSecond, cost],
    );
    const row = rows[0];
    if (row === undefined) throw new TypeError("the rate bucket was not written");
    return decide(row.allowed, row.tokens, limit, cost);
  }

  /** Forgets buckets unused for that long (long enough to be full again); answers how many. */
  async prune(unusedForMs: number): Promise<number> {
    const { rowCount } = await this.#pool.query(
      `DELETE FROM coordination.rate_buckets WHERE key IN (
         SELECT key FROM coordination.rate_buckets
         WHERE at < clock_timestamp() - $1::float8 * interval '1 millisecond' LIMIT $2)`,
      [unusedForMs, PRUNE_BATCH],
    );
    return rowCount ?? 0;
  }
}
