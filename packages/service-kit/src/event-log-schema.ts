import { createDatabaseIfMissing } from "./database.js";
import { inTransaction, type PostgresPool } from "./postgres-pool.js";

/** Carries the topic's name when events commit. */
export const EVENTS_CHANNEL = "aios_events";
/** Carries the group's name when its members or positions change. */
export const GROUPS_CHANNEL = "aios_event_groups";

const SCHEMA_LOCK = 0x65_76_6c_31;

const STATEMENTS = `
CREATE SCHEMA IF NOT EXISTS event_log;
CREATE TABLE IF NOT EXISTS event_log.topics (
  name text PRIMARY KEY,
  partitions integer NOT NULL CHECK (partitions BETWEEN 1 AND 1024),
  retention_ms bigint NOT NULL
);
CREATE TABLE IF NOT EXISTS event_log.partitions (
  topic text NOT NULL REFERENCES event_log.topics,
  partition integer NOT NULL,
  next_offset bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (topic, partition)
);
CREATE TABLE IF NOT EXISTS event_log.events (
  topic text NOT NULL,
  partition integer NOT NULL,
  log_offset bigint NOT NULL,
  event_id uuid NOT NULL,
  key text NOT NULL,
  payload bytea NOT NULL,
  headers jsonb NOT NULL,
  replay_for text,
  written_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (topic, partition, log_offset)
);
CREATE UNIQUE INDEX IF NOT EXISTS events_once ON event_log.events (topic, event_id) WHERE replay_for IS NULL;
CREATE TABLE IF NOT EXISTS event_log.members (
  group_name text NOT NULL,
  member uuid NOT NULL,
  backend_pid integer NOT NULL,
  backend_start timestamptz NOT NULL,
  lease_until timestamptz NOT NULL,
  PRIMARY KEY (group_name, member)
);
CREATE TABLE IF NOT EXISTS event_log.positions (
  group_name text NOT NULL,
  topic text NOT NULL,
  partition integer NOT NULL,
  next_offset bigint NOT NULL DEFAULT 0,
  fencing_token bigint NOT NULL DEFAULT 0,
  owner uuid,
  PRIMARY KEY (group_name, topic, partition)
);
CREATE TABLE IF NOT EXISTS event_log.dead_letters (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  group_name text NOT NULL,
  topic text NOT NULL,
  partition integer NOT NULL,
  log_offset bigint NOT NULL,
  event_id uuid NOT NULL,
  key text NOT NULL,
  payload bytea NOT NULL,
  headers jsonb NOT NULL,
  attempts integer NOT NULL,
  error_code text NOT NULL,
  error_message text NOT NULL,
  failed_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (group_name, topic, partition, log_offset)
);
-- Offsets of a partition are given in commit order, because its row stays locked until commit.
CREATE OR REPLACE FUNCTION event_log.append_silently(
  ids uuid[], topics text[], partitions integer[], keys text[], payloads bytea[], headers jsonb[], replays text[]
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  target record;
  target_topics text[] := '{}';
  target_partitions integer[] := '{}';
  bases bigint[] := '{}';
  base bigint;
BEGIN
  FOR target IN
    SELECT t.topic, t.partition, count(*) AS events
    FROM unnest(topics, partitions) AS t(topic, partition) GROUP BY 1, 2 ORDER BY 1, 2
  LOOP
    UPDATE event_log.partitions p SET next_offset = p.next_offset + target.events
      WHERE p.topic = target.topic AND p.partition = target.partition
      RETURNING p.next_offset - target.events INTO STRICT base;
    target_topics := target_topics || target.topic;
    target_partitions := target_partitions || target.partition;
    bases := bases || base;
  END LOOP;
  INSERT INTO event_log.events (topic, partition, log_offset, event_id, key, payload, headers, replay_for)
    SELECT e.topic, e.partition,
           b.base + row_number() OVER (PARTITION BY e.topic, e.partition ORDER BY e.position) - 1,
           e.id, e.key, e.payload, e.headers, e.replay_for
    FROM unnest(ids, topics, partitions, keys, payloads, headers, replays) WITH ORDINALITY
      AS e(id, topic, partition, key, payload, headers, replay_for, position)
    JOIN unnest(target_topics, target_partitions, bases) AS b(topic, partition, base)
      ON b.topic = e.topic AND b.partition = e.partition
    ON CONFLICT (topic, event_id) WHERE replay_for IS NULL DO NOTHING;
END $$;
-- For the release before, which does not notify by itself.
CREATE OR REPLACE FUNCTION event_log.append(
  ids uuid[], topics text[], partitions integer[], keys text[], payloads bytea[], headers jsonb[], replays text[]
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM event_log.append_silently(ids, topics, partitions, keys, payloads, headers, replays);
  PERFORM pg_notify('${EVENTS_CHANNEL}', t.topic) FROM (SELECT DISTINCT unnest(topics) AS topic) AS t;
END $$;
`;

/** Creates the log's database and schema when missing. */
export async function createEventLogSchema(url: string, pool: PostgresPool): Promise<void> {
  await createDatabaseIfMissing(url);
  await inTransaction(pool, async (client) => {
    await client.query("SELECT pg_advisory_xact_lock($1)", [SCHEMA_LOCK]);
    await client.query(STATEMENTS);
  });
}
