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
    const attributes = { "messaging.system": "aios", "messaging.destination.name": topic.name };
    await inSpan(`publish ${topic.name}`, { kind: SpanKind.PRODUCER, attributes }, async () => {
      await executeSql(
        transaction,
        `INSERT INTO messaging.outbox (event_id, topic, key, payload, headers)
         VALUES ($1::text::uuid, $2::text, $3::text, decode($4::text, 'base64'), $5::text::jsonb)`,
        [
          eventId,
          topic.name,
          topic.key(message),
          Buffer.from(topic.codec.encode(message).finish()).toString("base64"),
          JSON.stringify(currentTraceHeaders()),
        ],
      );
    });
    return eventId;
  },
} as const;
