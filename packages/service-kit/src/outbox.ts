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
} as const;

async function write<T>(
  transaction: SqlTransaction,
  topic: Topic<T>,
  messages: readonly T[],
  eventIds: readonly string[],
): Promise<void> {
  const attributes = {
    "messaging.system": "aios",
    "messaging.destination.name": topic.name,
    "messaging.batch.message_count": messages.length,
  };
  await inSpan(`publish ${topic.name}`, { kind: SpanKind.PRODUCER, attributes }, async () => {
    await executeSql(
      transaction,
      `INSERT INTO messaging.outbox (event_id, topic, key, payload, headers)
       SELECT id::uuid, $2::text, key, decode(payload, 'base64'), $5::text::jsonb
       FROM unnest($1::text[], $3::text[], $4::text[]) WITH ORDINALITY AS e(id, key, payload, position)
       ORDER BY position`,
      [
        eventIds,
        topic.name,
        messages.map((message) => topic.key(message)),
        messages.map((message) => Buffer.from(topic.codec.encode(message).finish()).toString("base64")),
        JSON.stringify(currentTraceHeaders()),
      ],
    );
  });
}
