import { CodedError } from "@aios/kernel/coded-error";
import type { Kafka, Message, Producer } from "kafkajs";
import { kafkaError } from "./kafka-client.js";

const LARGEST_BATCH = 1_000;
const MAX_WAITING = 50_000;

export interface TopicRecord {
  readonly topic: string;
  readonly message: Message;
}

interface Waiting {
  readonly records: readonly TopicRecord[];
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Writes records in batches, one after the other, through an idempotent producer: none is doubled or overtaken by its
 * own repetition. Whatever came in while a batch was under way goes into the next, so many small callers cost few
 * requests. A batch that fails may be written in part; its caller writes the same events again.
 */
export class KafkaPublisher {
  readonly #kafka: Kafka;
  #producer: Producer | undefined;
  #waiting: Waiting[] = [];
  #waitingRecords = 0;
  #work: Promise<void> | undefined;

  constructor(kafka: Kafka) {
    this.#kafka = kafka;
  }

  /** Resolves when the records are on every in-sync replica. */
  write(records: readonly TopicRecord[]): Promise<void> {
    if (this.#waitingRecords + records.length > MAX_WAITING) {
      throw new CodedError({
        code: "event-bus-busy",
        kind: "unavailable",
        message: `More than ${MAX_WAITING} events wait to be written; try again shortly.`,
        retryAfterMs: 500,
      });
    }
    this.#waitingRecords += records.length;
    const written = new Promise<void>((resolve, reject) => {
      this.#waiting.push({ records, resolve, reject });
    });
    this.#work ??= this.#writeAll();
    return written;
  }

  async close(): Promise<void> {
    await this.#work;
    await this.#discard();
  }

  async #writeAll(): Promise<void> {
    // Callers of the same turn come along.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const group = this.#next();
      try {
        await this.#send(group.flatMap(({ records }) => records));
        for (const { resolve } of group) resolve();
      } catch (error) {
        for (const { reject } of group) reject(kafkaError(error));
      }
    }
    // In the same turn as the last look: whoever comes next starts anew.
    this.#work = undefined;
  }

  #next(): Waiting[] {
    let count = 0;
    let size = 0;
    for (const { records } of this.#waiting) {
      if (count > 0 && size + records.length > LARGEST_BATCH) break;
      count += 1;
      size += records.length;
    }
    this.#waitingRecords -= size;
    return this.#waiting.splice(0, count);
  }

  async #send(records: readonly TopicRecord[]): Promise<void> {
    try {
      const producer = await this.#connected();
      await producer.sendBatch({ acks: -1, topicMessages: byTopic(records) });
    } catch (error) {
      // What the broker has of this producer's sequence is unknown now: the next batch starts a fresh one.
      await this.#discard();
      throw error;
    }
  }

  async #connected(): Promise<Producer> {
    if (this.#producer !== undefined) return this.#producer;
    const producer = this.#kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      metadataMaxAge: 60_000,
    });
    await producer.connect();
    this.#producer = producer;
    return producer;
  }

  async #discard(): Promise<void> {
    const producer = this.#producer;
    this.#producer = undefined;
    await producer?.disconnect().catch(() => undefined);
  }
}

function byTopic(records: readonly TopicRecord[]): { topic: string; messages: Message[] }[] {
  const topics = new Map<string, Message[]>();
  for (const { topic, message } of records) {
    const messages = topics.get(topic);
    if (messages === undefined) topics.set(topic, [message]);
    else messages.push(message);
  }
  return [...topics].map(([topic, messages]) => ({ topic, messages }));
}
