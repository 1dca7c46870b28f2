import { randomUUID } from "node:crypto";
import type { Topic } from "@aios/proto/topics";
import { SpanKind } from "@opentelemetry/api";
import { executeSql, type SqlTransaction } from "./sql-executor.js";
import { currentTraceHeaders, inSpan } from "./tracing.js";

export interface OutboxAddOptions {
  /** UUID for events that are derived again after a crash: the log keeps one event per id and topic. */
  readonly eventId?: string;
}

export const outbox = {
  /**
   * Writes an event in the caller's transaction, so that it leaves exactly when the change commits. Events of one key
   * leave in the order of these calls as long as writers of that key take turns (hold the aggregate's row lock).
   * Answers the event's id.
   */
  async add<T>(
    transaction: SqlTransaction,
    topic: Topic<T>,
    message: T,
    options: OutboxAddOptions = {},
  ): Promise<string> {
    const eventId = options.eventId ?? randomUUID();
    await write(transaction, topic, [message], [eventId]);
    return eventId;
  },

  /** Like `add` for several events of one topic, in one statement and their order. Answers their ids. */
  async addAll<T>(
    transaction: SqlTransaction,
    topic: Topic<T>,
    messages: readonly T[],
  ): Promise<readonly string[]> {
    const eventIds = messages.map(() => randomUUID());
    if (messages.length > 0) await write(transaction, topic, messages, eventIds);
    return eventIds;
  },

  /**
   * One event in one statement with the change that it tells of: a turn of the database instead of the four of a
   * transaction. It leaves if the change wrote a row, and is not written otherwise. Answers whether it was. Takes a client
   * that is in no transaction, or in one.
   */
  async addWith<T>(client: SqlTransaction, change: Change, topic: Topic<T>, message: T): Promise<boolean> {
    return (await write(client, topic, [message], [randomUUID()], change)) === 1;
  },
} as const;

/** An UPDATE, INSERT or DELETE without RETURNING, and what its $1 … stand for. */
export interface Change {
  /** As of a `SqlStatement`: of its own, for a change that is always told of in the same way. */
  readonly name?: string;
  readonly sql: string;
  readonly values: readonly unknown[];
}

async function write<T>(
  client: SqlTransaction,
  topic: Topic<T>,
  messages: readonly T[],
  eventIds: readonly string[],
  change?: Change,
): Promise<number> {
  const attributes = {
    "messaging.system": "aios",
    "messaging.destination.name": topic.name,
    "messaging.batch.message_count": messages.length,
  };
  const before = change?.values.length ?? 0;
  const [ids, name, keys, payloads, headers] = [1, 2, 3, 4, 5].map((position) => `$${before + position}`);
  const [first, where] =
    change === undefined
      ? ["", ""]
      : [`WITH "change" AS (${change.sql} RETURNING 1) `, 'WHERE EXISTS (SELECT FROM "change") '];
  const planned = change === undefined ? "outbox-add" : change.name;
  return inSpan(`publish ${topic.name}`, { kind: SpanKind.PRODUCER, attributes }, () =>
    executeSql(
      client,
      {
        ...(planned === undefined ? {} : { name: planned }),
        text: `${first}INSERT INTO messaging.outbox (event_id, topic, key, payload, headers)
       SELECT id::uuid, ${name}::text, key, decode(payload, 'base64'), ${headers}::text::jsonb
       FROM unnest(${ids}::text[], ${keys}::text[], ${payloads}::text[]) WITH ORDINALITY AS e(id, key, payload, position)
       ${where}ORDER BY position`,
      },
      [
        ...(change?.values ?? []),
        eventIds,
        topic.name,
        messages.map((message) => topic.key(message)),
        messages.map((message) => Buffer.from(topic.codec.encode(message).finish()).toString("base64")),
        JSON.stringify(currentTraceHeaders()),
      ],
    ),
  );
}
