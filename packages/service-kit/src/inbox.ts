import type { PostgresPool } from "./postgres-pool.js";
import { executeSql, querySql, type SqlTransaction } from "./sql-executor.js";

const PRUNE_BATCH = 5_000;
const INSERT_ONE = {
  name: "inbox-once",
  text: "INSERT INTO messaging.inbox (event_id, consumer) VALUES ($1::text::uuid, $2::text) ON CONFLICT DO NOTHING",
};
const INSERT_ALL = {
  name: "inbox-claim",
  text: `INSERT INTO messaging.inbox (event_id, consumer)
    SELECT id::uuid, $2::text FROM unnest($1::text[]) AS id ORDER BY id
    ON CONFLICT DO NOTHING RETURNING event_id::text AS id`,
};

export const inbox = {
  /**
   * Runs `work` unless this event was handled before; its record commits with the transaction. A second delivery that
   * comes while the first still runs waits for it. `consumer` tells several handlers of one service apart.
   * Answers whether `work` ran.
   */
  async once(
    transaction: SqlTransaction,
    eventId: string,
    work: () => Promise<void>,
    consumer = "",
  ): Promise<boolean> {
    const written = await executeSql(transaction, INSERT_ONE, [eventId, consumer]);
    if (written === 0) return false;
    await work();
    return true;
  },

  /**
   * Which of these events were not handled before, in their order; their records commit with the transaction. Ids of a
   * batch are written in the order of ids, so that two batches never wait for each other.
   */
  async claim(
    transaction: SqlTransaction,
    eventIds: readonly string[],
    consumer = "",
  ): Promise<readonly string[]> {
    const rows = await querySql<{ id: string }>(transaction, INSERT_ALL, [eventIds, consumer]);
    const fresh = new Set(rows.map(({ id }) => id));
    return eventIds.filter((id) => fresh.delete(id.toLowerCase()));
  },

  /** Forgets events handled longer ago than the log keeps them, in bounded batches; answers how many. */
  async prune(pool: PostgresPool, olderThanMs: number): Promise<number> {
    const { rowCount } = await pool.query(
      `DELETE FROM messaging.inbox WHERE ctid IN (
         SELECT ctid FROM messaging.inbox WHERE handled_at < now() - $1::float8 * interval '1 millisecond' LIMIT $2)`,
      [olderThanMs, PRUNE_BATCH],
    );
    return rowCount ?? 0;
  },
} as const;
