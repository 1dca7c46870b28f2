import type { PostgresPool } from "./postgres-pool.js";
import { inTransaction } from "./postgres-pool.js";

/** Channel that wakes the relay when an outbox row commits. */
export const OUTBOX_CHANNEL = "aios_outbox";

/** Held by a relay that looks into the outbox by itself just now. */
export const LOOKING_LOCK = 0x6f_75_74_32;

const SCHEMA_LOCK = 0x6d_73_67_31;

const STATEMENTS = `
CREATE SCHEMA IF NOT EXISTS messaging;
CREATE TABLE IF NOT EXISTS messaging.outbox (
  sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  event_id uuid NOT NULL,
  topic text NOT NULL,
  key text NOT NULL,
  payload bytea NOT NULL,
  headers jsonb NOT NULL,
  written_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE IF NOT EXISTS messaging.inbox (
  event_id uuid NOT NULL,
  consumer text NOT NULL,
  handled_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (event_id, consumer)
);
CREATE INDEX IF NOT EXISTS inbox_handled_at ON messaging.inbox (handled_at);
-- Transactions that notify commit one after the other on the whole server, flush included: only where it is needed.
CREATE OR REPLACE FUNCTION messaging.wake_relay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF pg_try_advisory_lock_shared(${LOOKING_LOCK}) THEN
    PERFORM pg_advisory_unlock_shared(${LOOKING_LOCK}), pg_notify('${OUTBOX_CHANNEL}', '');
  END IF;
  RETURN NULL;
END $$;
-- Removes what was relayed and answers the oldest of the rest in one trip: a volatile function's statement sees what the
-- one before did. The result names no table's type: a restore makes functions before tables.
CREATE OR REPLACE FUNCTION messaging.next_of_outbox(relayed bigint[], at_most integer)
RETURNS TABLE (sequence bigint, event_id uuid, topic text, key text, payload bytea, headers jsonb)
LANGUAGE plpgsql AS $$
BEGIN
  IF cardinality(relayed) > 0 THEN
    -- Not flushed at once: what a crash of the server brings back is published again under the same ids.
    SET LOCAL synchronous_commit = off;
    DELETE FROM messaging.outbox o WHERE o.sequence = ANY(relayed);
  END IF;
  RETURN QUERY SELECT o.sequence, o.event_id, o.topic, o.key, o.payload, o.headers
    FROM messaging.outbox o ORDER BY o.sequence LIMIT at_most;
END $$;
CREATE OR REPLACE TRIGGER wake_relay AFTER INSERT ON messaging.outbox
  FOR EACH STATEMENT EXECUTE FUNCTION messaging.wake_relay();
`;

/** Creates outbox and inbox in schema `messaging` of the service's own database; safe to run again. */
export async function createMessagingSchema(pool: PostgresPool): Promise<void> {
  await inTransaction(pool, async (client) => {
    await client.query("SELECT pg_advisory_xact_lock($1)", [SCHEMA_LOCK]);
    await client.query(STATEMENTS);
  });
}
