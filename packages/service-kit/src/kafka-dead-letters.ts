import { randomUUID } from "node:crypto";
import type { Admin, Kafka, KafkaMessage } from "kafkajs";
import { codedErrorOf } from "./database-outage.js";
import type { DeadLetter } from "./event-bus.js";
import type { PoisonEvent } from "./kafka-member.js";
import type { KafkaPublisher, TopicRecord } from "./kafka-publisher.js";
import { eventOf, recordOf } from "./kafka-record.js";
import { createMissingTopics } from "./kafka-topics.js";
import { systemClock } from "./system-clock.js";

/** One partition, compacted: a letter's tombstone removes it. Its offset is the letter's id. */
export const DEAD_LETTERS = "event-bus.dead-letters";
const SCAN_KEY = "scan";
const LONGEST_SCAN_MS = 30_000;

interface Cause {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  readonly attempts: number;
  readonly errorCode: string;
  readonly errorMessage: string;
  readonly failedAtMs: number;
}

interface KeptLetter {
  readonly letter: DeadLetter;
  /** Its key in the topic. */
  readonly key: string;
  readonly again: TopicRecord;
}

/** Events that a group gave up on, with their cause, in a compacted topic. */
export class KafkaDeadLetters {
  readonly #kafka: Kafka;
  readonly #admin: Admin;
  readonly #publisher: KafkaPublisher;
  #created: Promise<unknown> | undefined;

  constructor(kafka: Kafka, admin: Admin, publisher: KafkaPublisher) {
    this.#kafka = kafka;
    this.#admin = admin;
    this.#publisher = publisher;
  }

  /** Resolves once the letter is on disk; the same event of the same group is kept once. */
  async bury({ group, stored, partition, offset, attempts, thrown }: PoisonEvent): Promise<void> {
    await this.#ensureTopic();
    const { event } = stored;
    const cause: Cause = {
      group,
      topic: event.topic,
      partition,
      offset: offset.toString(),
      attempts,
      errorCode: codedErrorOf(thrown).code,
      errorMessage: (thrown instanceof Error ? thrown.message : String(thrown)).slice(0, 2_000),
      failedAtMs: systemClock.now(),
    };
    const record = recordOf(event, 0);
    const headers = { ...record.headers, "aios-event-key": event.key, "aios-cause": JSON.stringify(cause) };
    const key = `${group}/${event.topic}/${partition}/${offset}`;
    await this.#publisher.write([{ topic: DEAD_LETTERS, message: { ...record, key, headers } }]);
  }

  /** Oldest first. Reads the whole topic: meant for operators, not for hot paths. */
  async list(): Promise<readonly KeptLetter[]> {
    await this.#ensureTopic();
    const letters = new Map<string, KeptLetter>();
    await this.#scan((key, message) => {
      letters.delete(key);
      if (message.value !== null) letters.set(key, keptLetter(key, message));
    });
    return [...letters.values()];
  }

  /** Gives letters to their own group again, at the end of their partition. Repeats when it fails in between. */
  async replay(ids: readonly bigint[]): Promise<number> {
    const wanted = new Set(ids);
    const letters = (await this.list()).filter(({ letter }) => wanted.has(letter.id));
    if (letters.length === 0) return 0;
    await this.#publisher.write(letters.map(({ again }) => again));
    await this.#publisher.write(letters.map(({ key }) => tombstone(key)));
    return letters.length;
  }

  async #ensureTopic(): Promise<void> {
    this.#created ??= createMissingTopics(this.#admin, [
      {
        topic: DEAD_LETTERS,
        numPartitions: 1,
        replicationFactor: -1,
        configEntries: [{ name: "cleanup.policy", value: "compact" }],
      },
    ]);
    await this.#created.catch((error: unknown) => {
      this.#created = undefined;
      throw error;
    });
  }

  /** Reads everything up to a mark that it writes itself. */
  async #scan(visit: (key: string, message: KafkaMessage) => void): Promise<void> {
    const mark = `${SCAN_KEY}/${randomUUID()}`;
    const consumer = this.#kafka.consumer({
      groupId: `${DEAD_LETTERS}.${mark}`,
      allowAutoTopicCreation: false,
      maxWaitTimeInMs: 100,
    });
    let timer: NodeJS.Timeout | undefined;
    try {
      await consumer.connect();
      await consumer.subscribe({ topics: [DEAD_LETTERS], fromBeginning: true });
      await this.#publisher.write([tombstone(mark)]);
      const scanned = new Promise<void>((resolve, reject) => {
        timer = setTimeout(
          () => reject(new Error("the dead letters could not be read in time")),
          LONGEST_SCAN_MS,
        );
        consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
        void consumer
          .run({
            autoCommit: false,
            eachMessage: async ({ message }) => {
              const key = message.key?.toString("utf8") ?? "";
              if (key === mark) resolve();
              else if (!key.startsWith(`${SCAN_KEY}/`)) visit(key, message);
            },
          })
          .catch(reject);
      });
      await scanned;
    } finally {
      clearTimeout(timer);
      await consumer.disconnect();
    }
  }
}

function tombstone(key: string): TopicRecord {
  return { topic: DEAD_LETTERS, message: { key, value: null, partition: 0 } };
}

function keptLetter(key: string, message: KafkaMessage): KeptLetter {
  const { event } = eventOf(DEAD_LETTERS, message);
  const { "aios-cause": text = "", "aios-event-key": eventKey = "", ...headers } = event.headers;
  const cause = JSON.parse(text) as Cause;
  const original = { ...event, topic: cause.topic, key: eventKey, headers };
  return {
    key,
    again: { topic: cause.topic, message: recordOf(original, cause.partition, cause.group) },
    letter: {
      id: BigInt(message.offset),
      group: cause.group,
      topic: cause.topic,
      partition: cause.partition,
      offset: BigInt(cause.offset),
      eventId: event.id,
      key: eventKey,
      attempts: cause.attempts,
      errorCode: cause.errorCode,
      errorMessage: cause.errorMessage,
      failedAtMs: cause.failedAtMs,
    },
  };
}
