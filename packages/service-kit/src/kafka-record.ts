import { CodedError } from "@aios/kernel/coded-error";
import type { IHeaders, KafkaMessage, Message } from "kafkajs";
import type { OutgoingEvent } from "./event-bus.js";

const ID_HEADER = "aios-event-id";
const REPLAY_HEADER = "aios-replay-for";

/** An event as it lies in a topic. */
export interface StoredEvent {
  readonly event: OutgoingEvent;
  readonly occurredAtMs: number;
  /** The only group that this copy is for. */
  readonly replayFor: string | undefined;
}

/** The record of an event. Its partition is given by `partitionOf`, as everywhere. */
export function recordOf(event: OutgoingEvent, partition: number, replayFor?: string): Message {
  return {
    key: event.key,
    value: Buffer.from(event.payload),
    partition,
    headers: {
      ...event.headers,
      [ID_HEADER]: event.id,
      ...(replayFor === undefined ? {} : { [REPLAY_HEADER]: replayFor }),
    },
  };
}

/** Reads a record back. Throws `foreign-record` for one that no event bus wrote. */
export function eventOf(topic: string, message: KafkaMessage): StoredEvent {
  const { [ID_HEADER]: id, [REPLAY_HEADER]: replayFor, ...headers } = textHeaders(message.headers);
  if (id === undefined || message.key === null || message.value === null) {
    throw new CodedError({
      code: "foreign-record",
      kind: "invalid",
      message: `The record at offset ${message.offset} of ${topic} has no key, value or ${ID_HEADER} header: no event bus wrote it.`,
    });
  }
  return {
    event: { id, topic, key: message.key.toString("utf8"), payload: message.value, headers },
    occurredAtMs: Number(message.timestamp),
    replayFor,
  };
}

function textHeaders(headers: IHeaders | undefined): Record<string, string> {
  const text: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers ?? {})) {
    const first = Array.isArray(value) ? value[0] : value;
    if (first !== undefined) text[name] = first.toString();
  }
  return text;
}
