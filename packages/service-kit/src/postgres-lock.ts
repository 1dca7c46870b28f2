import type { Lease, LockManager } from "./lock.js";
import type { PostgresPool } from "./postgres-pool.js";

/** The database's clock counts; tokens only grow, also over restarts. Needs `createCoordinationSchema`. */
export class PostgresLockManager implements LockManager {
  readonly #pool: PostgresPool;

  constructor(pool: PostgresPool) {
    this.#pool = pool;
  }

  async tryAcquire(name: string, ttlMs: number): Promise<Lease | undefined> {
    const { rows } = await this.#pool.query<{ fencing_token: string }>(
      `INSERT INTO coordination.locks AS l (name, fencing_token, expires_at)
       VALUES ($1, 1, clock_timestamp() + $2::float8 * interval '1 millisecond')
       ON CONFLICT (name) DO UPDATE
         SET fencing_token = l.fencing_token + 1, expires_at = EXCLUDED.expires_at
         WHERE l.expires_at <= clock_timestamp()
       RETURNING fencing_token`,
      [name, ttlMs],
    );
    const token = rows[0]?.fencing_token;
    return token === undefined ? undefined : this.#lease(name, token);
  }

  #lease(name: string, token: string): Lease {
    return {
      name,
      fencingToken: BigInt(token),
      renew: async (ttlMs) => {
        const { rowCount } = await this.#pool.query(
          `UPDATE coordination.locks SET expires_at = clock_timestamp() + $3::float8 * interval '1 millisecond'
           WHERE name = $1 AND fencing_token = $2 AND expires_at > clock_timestamp()`,
          [name, token, ttlMs],
        );
        return rowCount === 1;
      },
      // The row stays, so that tokens keep growing.
      release: async () => {
        await this.#pool.query(
          "UPDATE coordination.locks SET expires_at = '-infinity' WHERE name = $1 AND fencing_token = $2",
          [name, token],
        );
      },
    };
  }
}
