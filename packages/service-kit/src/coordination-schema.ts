import { inTransaction, type PostgresPool } from "./postgres-pool.js";

const SCHEMA_LOCK = 0x63_6f_6f_31;

const STATEMENTS = `
CREATE SCHEMA IF NOT EXISTS coordination;
CREATE UNLOGGED TABLE IF NOT EXISTS coordination.rate_buckets (
  key text PRIMARY KEY,
  tokens double precision NOT NULL,
  allowed boolean NOT NULL,
  at timestamptz NOT NULL
);
CREATE TABLE IF NOT EXISTS coordination.locks (
  name text PRIMARY KEY,
  fencing_token bigint NOT NULL,
  expires_at timestamptz NOT NULL
);
`;

/** Creates the tables of rate limits and locks; safe to run again. */
export async function createCoordinationSchema(pool: PostgresPool): Promise<void> {
  await inTransaction(pool, async (client) => {
    await client.query("SELECT pg_advisory_xact_lock($1)", [SCHEMA_LOCK]);
    await client.query(STATEMENTS);
  });
}
