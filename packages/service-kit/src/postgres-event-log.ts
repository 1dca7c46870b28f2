import { CodedError } from "@aios/kernel/coded-error";
import { isDatabaseUnavailable } from "./database-outage.js";
import {
  DEFAULT_RETRY,
  type DeadLetter,
  type EventBus,
  type OutgoingEvent,
  partitionOf,
  type ReplayPosition,
  type SubscribeOptions,
  type Subscription,
  type TopicSettings,
} from "./event-bus.js";
import { EventLogMember } from "./event-log-member.js";
import { createEventLogSchema, EVENTS_CHANNEL, GROUPS_CHANNEL } from "./event-log-schema.js";
import type { Logger } from "./logger.js";
import { createPool, inTransaction, type PostgresPool } from "./postgres-pool.js";

const LARGEST_PUBLISH = 1_000;
const DEFAULT_CONCURRENCY = 8;
const RETENTION_EVERY_MS = 60_000;
const RETENTION_BATCH = 2_000;
const DEAD_LETTER_RETENTION_MS = 90 * 86_400_000;

export interface EventLogOptions {
  readonly url: string;
  readonly applicationName: string;
  readonly logger: Logger;
  readonly poolMax?: number;
}

/** The event bus on a Postgres database of its own. */
export class PostgresEventLog implements EventBus {
  readonly #options: EventLogOptions;
  readonly #pool: PostgresPool;
  readonly #partitions = new Map<string, number>();
  readonly #members = new Set<EventLogMember>();
  readonly #retentionTimer: NodeJS.Timeout;
  #retention: Promise<void> = Promise.resolve();

  private constructor(options: EventLogOptions, pool: PostgresPool) {
    this.#options = options;
    this.#pool = pool;
    this.#retentionTimer = setInterval(() => {
      this.#retention = this.applyRetention().catch((error: unknown) => {
        this.#options.logger.warn({ error }, "old events could not be removed");
      });
    }, RETENTION_EVERY_MS);
    this.#retentionTimer.unref();
  }

  /** Connects, and creates database and tables when missing. */
  static async open(options: EventLogOptions): Promise<PostgresEventLog> {
    const pool = createPool({
      url: options.url,
      max: options.poolMax ?? 4,
      applicationName: options.applicationName,
      logger: options.logger,
    });
    try {
      await createEventLogSchema(options.url, pool);
    } catch (error) {
      await pool.end();
      throw unavailableOr(error);
    }
    return new PostgresEventLog(options, pool);
  }

  async publish(events: readonly OutgoingEvent[]): Promise<void> {
    if (events.length === 0) return;
    if (events.length > LARGEST_PUBLISH) {
      throw new CodedError({
        code: "batch-too-large",
        kind: "too-large",
        message: `At most ${LARGEST_PUBLISH} events go into one batch.`,
      });
    }
    await this.#guard(async () => {
      const partitions = await Promise.all(
        events.map(async ({ topic, key }) => partitionOf(key, await this.#partitionCount(topic))),
      );
      await appendWith(
        this.#pool,
        events,
        partitions,
        events.map(() => null),
      );
      this.#notify(events);
    });
  }

  async ensureTopics(topics: readonly TopicSettings[]): Promise<void> {
    await this.#guard(async () => {
      for (const topic of topics) {
        if (!this.#partitions.has(topic.name)) await this.#ensureTopic(topic);
      }
    });
  }

  async subscribe(options: SubscribeOptions): Promise<Subscription> {
    await this.ensureTopics(options.topics);
    const member = new EventLogMember({
      url: this.#options.url,
      applicationName: this.#options.applicationName,
      logger: this.#options.logger,
      pool: this.#pool,
      group: options.group,
      topics: options.topics.map(({ name }) => name),
      handler: options.handler,
      batchHandler: options.batchHandler,
      retry: { ...DEFAULT_RETRY, ...options.retry },
      concurrency: options.concurrency ?? DEFAULT_CONCURRENCY,
    });
    await this.#guard(() => member.start());
    this.#members.add(member);
    return {
      close: async () => {
        this.#members.delete(member);
        await member.close();
      },
    };
  }

  async replay(group: string, topic: string, position: ReplayPosition): Promise<void> {
    await this.#guard(() =>
      inTransaction(this.#pool, async (client) => {
        const target =
          position.kind === "earliest"
            ? { offset: "0", partition: null, values: [] }
            : position.kind === "offset"
              ? { offset: "$3::bigint", partition: position.partition, values: [position.offset.toString()] }
              : {
                  offset: `COALESCE((SELECT min(e.log_offset) FROM event_log.events e
                    WHERE e.topic = p.topic AND e.partition = p.partition
                      AND e.written_at >= to_timestamp($3::float8 / 1000)),
                    (SELECT next_offset FROM event_log.partitions q
                      WHERE q.topic = p.topic AND q.partition = p.partition))`,
                  partition: null,
                  values: [position.fromMs],
                };
        const where = target.partition === null ? "" : `AND p.partition = ${Math.trunc(target.partition)}`;
        // Locked in the order in which members move their positions on.
        await client.query(
          `SELECT FROM event_log.positions WHERE group_name = $1 AND topic = $2
           ORDER BY topic, partition FOR UPDATE`,
          [group, topic],
        );
        // Without an owner and under a new token, whoever works on the partition now can no longer commit.
        await client.query(
          `UPDATE event_log.positions p
           SET next_offset = ${target.offset}, owner = NULL, fencing_token = p.fencing_token + 1
           WHERE p.group_name = $1 AND p.topic = $2 ${where}`,
          [group, topic, ...target.values],
        );
        await client.query("SELECT pg_notify($1, $2)", [GROUPS_CHANNEL, group]);
      }),
    );
  }

  async listDeadLetters(filter: {
    readonly group?: string;
    readonly topic?: string;
    readonly limit: number;
  }): Promise<readonly DeadLetter[]> {
    return this.#guard(async () => {
      const { rows } = await this.#pool.query<DeadLetterRow>(
        `SELECT id, group_name, topic, partition, log_offset, event_id, key, attempts, error_code, error_message, failed_at
         FROM event_log.dead_letters
         WHERE ($1::text IS NULL OR group_name = $1) AND ($2::text IS NULL OR topic = $2)
         ORDER BY id LIMIT $3`,
        [filter.group ?? null, filter.topic ?? null, Math.min(filter.limit, 1_000)],
      );
      return rows.map(deadLetterOf);
    });
  }

  async replayDeadLetters(ids: readonly bigint[]): Promise<number> {
    const replayed = await this.#guard(() =>
      inTransaction(this.#pool, async (client) => {
        const { rows } = await client.query<
          DeadLetterRow & { payload: Buffer; headers: Record<string, string> }
        >("DELETE FROM event_log.dead_letters WHERE id = ANY($1::bigint[]) RETURNING *", [ids.map(String)]);
        rows.sort((a, b) => (BigInt(a.id) < BigInt(b.id) ? -1 : 1));
        await appendWith(
          client,
          rows.map(eventOf),
          rows.map((row) => row.partition),
          rows.map((row) => row.group_name),
        );
        return rows;
      }),
    );
    this.#notify(replayed);
    return replayed.length;
  }

  async ping(): Promise<void> {
    await this.#guard(async () => {
      const { rows } = await this.#pool.query<{ standby: boolean }>("SELECT pg_is_in_recovery() AS standby");
      if (rows[0]?.standby === true)
        throw new CodedError({ ...UNAVAILABLE, message: "The event log is read-only." });
    });
  }

  async close(): Promise<void> {
    clearInterval(this.#retentionTimer);
    await Promise.all([...this.#members].map((member) => member.close()));
    this.#members.clear();
    await this.#retention;
    await this.#pool.end();
  }

  /** Removes events and dead letters past their time, a bounded number a run. */
  async applyRetention(): Promise<void> {
    const { rows } = await this.#pool.query<{ topic: string; partition: number; retention_ms: string }>(
      "SELECT p.topic, p.partition, t.retention_ms FROM event_log.partitions p JOIN event_log.topics t ON t.name = p.topic",
    );
    for (const { topic, partition, retention_ms } of rows) {
      await this.#pool.query(
        `DELETE FROM event_log.events e USING (
           SELECT topic, partition, log_offset, written_at FROM event_log.events
           WHERE topic = $1 AND partition = $2 ORDER BY log_offset LIMIT $4) old
         WHERE e.topic = old.topic AND e.partition = old.partition AND e.log_offset = old.log_offset
           AND old.written_at < now() - $3::float8 * interval '1 millisecond'`,
        [topic, partition, retention_ms, RETENTION_BATCH],
      );
    }
    await this.#pool.query(
      `DELETE FROM event_log.dead_letters WHERE id IN (
         SELECT id FROM event_log.dead_letters
         WHERE failed_at < now() - $1::float8 * interval '1 millisecond' ORDER BY id LIMIT $2)`,
      [DEAD_LETTER_RETENTION_MS, RETENTION_BATCH],
    );
  }

  /**
   * By itself after the commit: transactions that notify commit one after the other on the whole server, and one that
   * writes would hold that turn until the disk has it. Members look without being told, too.
   */
  #notify(events: readonly { readonly topic: string }[]): void {
    this.#pool
      .query({
        name: "log-notify",
        text: "SELECT pg_notify($1, topic) FROM unnest($2::text[]) AS topic",
        values: [EVENTS_CHANNEL, [...new Set(events.map(({ topic }) => topic))]],
      })
      .catch((error: unknown) => {
        this.#options.logger.debug({ error }, "the group's members were not told of new events");
      });
  }

  async #ensureTopic(topic: TopicSettings): Promise<void> {
    const count = await inTransaction(this.#pool, async (client) => {
      await client.query(
        `INSERT INTO event_log.topics (name, partitions, retention_ms) VALUES ($1, $2, $3)
         ON CONFLICT (name) DO UPDATE SET retention_ms = EXCLUDED.retention_ms`,
        [topic.name, topic.partitions, topic.retentionMs],
      );
      await client.query(
        `INSERT INTO event_log.partitions (topic, partition)
         SELECT name, generate_series(0, partitions - 1) FROM event_log.topics WHERE name = $1
         ON CONFLICT DO NOTHING`,
        [topic.name],
      );
      const { rows } = await client.query<{ partitions: number }>(
        "SELECT partitions FROM event_log.topics WHERE name = $1",
        [topic.name],
      );
      return rows[0]?.partitions ?? topic.partitions;
    });
    this.#partitions.set(topic.name, count);
  }

  async #partitionCount(topic: string): Promise<number> {
    const known = this.#partitions.get(topic);
    if (known !== undefined) return known;
    const { rows } = await this.#pool.query<{ partitions: number }>(
      "SELECT partitions FROM event_log.topics WHERE name = $1",
      [topic],
    );
    const count = rows[0]?.partitions;
    if (count === undefined) {
      throw new CodedError({
        code: "unknown-topic",
        kind: "not-found",
        message: `There is no topic '${topic}'.`,
        details: { topic },
      });
    }
    this.#partitions.set(topic, count);
    return count;
  }

  async #guard<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw unavailableOr(error);
    }
  }
}

interface Queryable {
  query(statement: { name: string; text: string; values: unknown[] }): Promise<unknown>;
}

async function appendWith(
  target: Queryable,
  events: readonly OutgoingEvent[],
  partitions: readonly number[],
  replays: readonly (string | null)[],
): Promise<void> {
  await target.query({
    name: "log-append",
    text: `SELECT event_log.append_silently(
      $1::uuid[], $2::text[], $3::integer[], $4::text[], $5::bytea[], $6::jsonb[], $7::text[])`,
    values: [
      events.map(({ id }) => id),
      events.map(({ topic }) => topic),
      partitions,
      events.map(({ key }) => key),
      events.map(({ payload }) => Buffer.from(payload)),
      events.map(({ headers }) => JSON.stringify(headers)),
      replays,
    ],
  });
}

interface DeadLetterRow {
  readonly id: string;
  readonly group_name: string;
  readonly topic: string;
  readonly partition: number;
  readonly log_offset: string;
  readonly event_id: string;
  readonly key: string;
  readonly attempts: number;
  readonly error_code: string;
  readonly error_message: string;
  readonly failed_at: Date;
}

function deadLetterOf(row: DeadLetterRow): DeadLetter {
  return {
    id: BigInt(row.id),
    group: row.group_name,
    topic: row.topic,
    partition: row.partition,
    offset: BigInt(row.log_offset),
    eventId: row.event_id,
    key: row.key,
    attempts: row.attempts,
    errorCode: row.error_code,
    errorMessage: row.error_message,
    failedAtMs: row.failed_at.getTime(),
  };
}

function eventOf(row: DeadLetterRow & { payload: Buffer; headers: Record<string, string> }): OutgoingEvent {
  return { id: row.event_id, topic: row.topic, key: row.key, payload: row.payload, headers: row.headers };
}

const UNAVAILABLE = {
  code: "event-bus-unavailable",
  kind: "unavailable",
  message: "The event log cannot be reached just now; try again shortly.",
  retryAfterMs: 1_000,
} as const;

function unavailableOr(error: unknown): unknown {
  return isDatabaseUnavailable(error) ? new CodedError({ ...UNAVAILABLE, cause: error }) : error;
}
