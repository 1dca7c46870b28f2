import { CodedError } from "@aios/kernel/coded-error";
import type { Admin, Kafka } from "kafkajs";
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
import { createKafka, kafkaError, typeOf } from "./kafka-client.js";
import { KafkaDeadLetters } from "./kafka-dead-letters.js";
import { KafkaMember } from "./kafka-member.js";
import { KafkaPublisher } from "./kafka-publisher.js";
import { recordOf } from "./kafka-record.js";
import { moveGroup } from "./kafka-replay.js";
import { createMissingTopics, onceElected, topicConfig } from "./kafka-topics.js";
import type { Logger } from "./logger.js";
import { systemClock } from "./system-clock.js";

const LARGEST_PUBLISH = 1_000;
const DEFAULT_CONCURRENCY = 8;

export interface KafkaEventBusOptions {
  /** See `parseKafkaUrl`. */
  readonly url: string;
  readonly applicationName: string;
  readonly logger: Logger;
}

/**
 * The event bus on Kafka. A `publish` over several partitions that fails may have written some of its events. An event written twice under one id is dropped where the same member sees both since the
 * group was last dealt out; beyond that it may arrive again, so consumers keep an inbox as with every adapter.
 */
export class KafkaEventBus implements EventBus {
  readonly #options: KafkaEventBusOptions;
  readonly #kafka: Kafka;
  readonly #admin: Admin;
  readonly #publisher: KafkaPublisher;
  readonly #deadLetters: KafkaDeadLetters;
  readonly #partitions = new Map<string, number>();
  readonly #members = new Set<KafkaMember>();

  private constructor(options: KafkaEventBusOptions, kafka: Kafka, admin: Admin) {
    this.#options = options;
    this.#kafka = kafka;
    this.#admin = admin;
    this.#publisher = new KafkaPublisher(kafka);
    this.#deadLetters = new KafkaDeadLetters(kafka, admin, this.#publisher);
  }

  /** Connects. Throws `invalid-kafka-url`, `event-bus-unavailable`, `event-bus-refused`. */
  static async open(options: KafkaEventBusOptions): Promise<KafkaEventBus> {
    const kafka = createKafka(options.url, options.applicationName, options.logger);
    const admin = kafka.admin();
    await guard(() => admin.connect());
    return new KafkaEventBus(options, kafka, admin);
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
    await guard(async () => {
      const counts = new Map<string, number>();
      for (const topic of new Set(events.map((event) => event.topic))) {
        counts.set(topic, await this.#partitionCount(topic));
      }
      const records = events.map((event) => ({
        topic: event.topic,
        message: recordOf(event, partitionOf(event.key, counts.get(event.topic) ?? 1)),
      }));
      await this.#publisher.write(records);
    });
  }

  async ensureTopics(topics: readonly TopicSettings[]): Promise<void> {
    const missing = topics.filter(({ name }) => !this.#partitions.has(name));
    if (missing.length === 0) return;
    const ensure = async (): Promise<void> => {
      await createMissingTopics(this.#admin, missing.map(topicConfig));
      for (const { name } of missing) await this.#partitionCount(name);
    };
    await guard(() => onceElected(ensure, systemClock));
  }

  async subscribe(options: SubscribeOptions): Promise<Subscription> {
    await this.ensureTopics(options.topics);
    const { logger } = this.#options;
    const member = new KafkaMember({
      kafka: this.#kafka,
      logger,
      group: options.group,
      topics: options.topics.map(({ name }) => name),
      handler: options.handler,
      batchHandler: options.batchHandler,
      retry: { ...DEFAULT_RETRY, ...options.retry },
      concurrency: options.concurrency ?? DEFAULT_CONCURRENCY,
      bury: async (poison) => {
        await guard(() => this.#deadLetters.bury(poison));
        const { group, attempts, thrown, stored } = poison;
        const { topic, key, id } = stored.event;
        logger.error(
          { error: thrown, topic, eventId: id, key, attempts, group },
          "an event went to the dead letters",
        );
      },
    });
    this.#members.add(member);
    await guard(() => member.start());
    return {
      close: async () => {
        this.#members.delete(member);
        await member.close();
      },
    };
  }

  async replay(group: string, topic: string, position: ReplayPosition): Promise<void> {
    await guard(() => moveGroup({ kafka: this.#kafka, admin: this.#admin, group, topic, position }));
  }

  async listDeadLetters(filter: {
    readonly group?: string;
    readonly topic?: string;
    readonly limit: number;
  }): Promise<readonly DeadLetter[]> {
    const kept = await guard(() => this.#deadLetters.list());
    return kept
      .map(({ letter }) => letter)
      .filter(({ group }) => filter.group === undefined || filter.group === group)
      .filter(({ topic }) => filter.topic === undefined || filter.topic === topic)
      .slice(0, filter.limit);
  }

  async replayDeadLetters(ids: readonly bigint[]): Promise<number> {
    return guard(() => this.#deadLetters.replay(ids));
  }

  async ping(): Promise<void> {
    await guard(() => this.#admin.describeCluster());
  }

  async close(): Promise<void> {
    await Promise.all([...this.#members].map((member) => member.close()));
    this.#members.clear();
    await this.#publisher.close();
    await this.#admin.disconnect();
  }

  async #partitionCount(topic: string): Promise<number> {
    const known = this.#partitions.get(topic);
    if (known !== undefined) return known;
    try {
      const { topics } = await this.#admin.fetchTopicMetadata({ topics: [topic] });
      const count = topics[0]?.partitions.length ?? 0;
      this.#partitions.set(topic, count);
      return count;
    } catch (error) {
      if (typeOf(error) !== "UNKNOWN_TOPIC_OR_PARTITION") throw error;
      throw new CodedError({
        code: "unknown-topic",
        kind: "not-found",
        message: `There is no topic '${topic}'.`,
        details: { topic },
      });
    }
  }
}

async function guard<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw kafkaError(error);
  }
}
