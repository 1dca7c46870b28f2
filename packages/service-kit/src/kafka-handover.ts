import { randomUUID } from "node:crypto";
import { CodedError } from "@aios/kernel/coded-error";
import { durationMs } from "@aios/kernel/units";
import { topics } from "@aios/proto/topics";
import type { Admin, Consumer, EachBatchPayload, Kafka } from "kafkajs";
import { type OutgoingEvent, partitionOf } from "./event-bus.js";
import { createKafka, kafkaError } from "./kafka-client.js";
import { DEAD_LETTERS } from "./kafka-dead-letters.js";
import { KafkaPublisher } from "./kafka-publisher.js";
import { eventOf, recordOf } from "./kafka-record.js";
import { createMissingTopics } from "./kafka-topics.js";
import type { Logger } from "./logger.js";
import { systemClock } from "./system-clock.js";

/** An event that some service has yet to handle. */
export interface UndeliveredEvent extends OutgoingEvent {
  /** The only service that this copy is for. */
  readonly replayFor: string | undefined;
}

interface Range {
  readonly topic: string;
  readonly partition: number;
  /** First offset, and the one behind the last. */
  readonly from: bigint;
  readonly to: bigint;
}

const TOPICS = Object.values(topics);
const PUBLISH_AT_ONCE = 500;
/** A member that was killed is one for as long as its session lasts. */
const MEMBERS_LEAVE_MS = 30_000;
const POLL_MS = 500;
const LONGEST_READ_MS = 120_000;

/**
 * What a Kafka holds of the services' state while none of them runs: events that are published and not handled yet. All
 * else is in the databases, which know what was handled.
 */
export class KafkaHandover {
  readonly #kafka: Kafka;
  readonly #admin: Admin;

  private constructor(kafka: Kafka, admin: Admin) {
    this.#kafka = kafka;
    this.#admin = admin;
  }

  /** Runs `work` on a connection. Throws `event-bus-unavailable`, `event-bus-refused`. */
  static async with<T>(
    url: string,
    logger: Logger,
    work: (handover: KafkaHandover) => Promise<T>,
  ): Promise<T> {
    const kafka = createKafka(url, "aios-state", logger);
    const admin = kafka.admin();
    try {
      await admin.connect();
      return await work(new KafkaHandover(kafka, admin));
    } catch (error) {
      throw kafkaError(error);
    } finally {
      await admin.disconnect();
    }
  }

  /**
   * Every event that a service which reads its topic has not handled, in the order of each partition. One that others
   * have handled already is harmless to them when it comes again. Throws `consumers-active` while a service runs.
   */
  async undelivered(): Promise<readonly UndeliveredEvent[]> {
    const groups = await this.#restingGroups();
    const there = new Set(await this.#admin.listTopics());
    const ranges: Range[] = [];
    for (const { name } of TOPICS) if (there.has(name)) ranges.push(...(await this.#unread(name, groups)));
    const wanted = ranges.filter(({ from, to }) => from < to);
    return wanted.length === 0 ? [] : this.#read(wanted);
  }

  /** Makes the topics that are missing and moves every service behind everything there is: it belongs to another time. */
  async skipAll(): Promise<void> {
    const groups = await this.#restingGroups();
    const before = new Set(await this.#admin.listTopics());
    await createMissingTopics(
      this.#admin,
      TOPICS.map(({ name, partitions, retentionMs }) => ({
        topic: name,
        numPartitions: partitions,
        replicationFactor: -1,
        configEntries: [
          { name: "cleanup.policy", value: "delete" },
          { name: "retention.ms", value: String(retentionMs) },
        ],
      })),
    );
    for (const { name: topic } of TOPICS.filter(({ name }) => before.has(name))) {
      const ends = await this.#admin.fetchTopicOffsets(topic);
      const partitions = ends.map(({ partition, high }) => ({ partition, offset: high }));
      for (const groupId of groups)
        if ((await this.#committed(groupId, topic)).size > 0)
          await this.#admin.setOffsets({ groupId, topic, partitions });
    }
  }

  /** Appends events as they were. */
  async publish(events: readonly UndeliveredEvent[]): Promise<void> {
    const publisher = new KafkaPublisher(this.#kafka);
    try {
      const counts = new Map<string, number>();
      for (const topic of new Set(events.map((event) => event.topic)))
        counts.set(topic, await this.#partitionCount(topic));
      const records = events.map(({ replayFor, ...event }) => ({
        topic: event.topic,
        message: recordOf(event, partitionOf(event.key, counts.get(event.topic) ?? 1), replayFor),
      }));
      for (let at = 0; at < records.length; at += PUBLISH_AT_ONCE)
        await publisher.write(records.slice(at, at + PUBLISH_AT_ONCE));
    } finally {
      await publisher.close();
    }
  }

  async #partitionCount(topic: string): Promise<number> {
    const { topics: found } = await this.#admin.fetchTopicMetadata({ topics: [topic] });
    return found[0]?.partitions.length ?? 1;
  }

  /** Groups without a member. */
  async #restingGroups(): Promise<readonly string[]> {
    const { groups } = await this.#admin.listGroups();
    const names = groups
      .filter(({ groupId, protocolType }) => protocolType === "consumer" && !groupId.startsWith(DEAD_LETTERS))
      .map(({ groupId }) => groupId);
    if (names.length === 0) return names;
    for (let waited = 0; ; waited += POLL_MS) {
      const described = await this.#admin.describeGroups(names);
      const active = described.groups.filter(({ members }) => members.length > 0);
      if (active.length === 0) return names;
      if (waited >= MEMBERS_LEAVE_MS) throw consumersActive(active.map(({ groupId }) => groupId));
      await systemClock.wait(durationMs(POLL_MS));
    }
  }

  /** From the slowest reader on. Where nobody has handled anything yet, everything. */
  async #unread(topic: string, groups: readonly string[]): Promise<readonly Range[]> {
    const positions: ReadonlyMap<number, bigint>[] = [];
    for (const group of groups) {
      const committed = await this.#committed(group, topic);
      if (committed.size > 0) positions.push(committed);
    }
    return (await this.#admin.fetchTopicOffsets(topic)).map(({ partition, low, high }) => {
      const first = BigInt(low);
      const reached = positions.map((committed) => committed.get(partition) ?? first);
      const slowest = reached.reduce((least, each) => (each < least ? each : least), BigInt(high));
      const from = positions.length === 0 || slowest < first ? first : slowest;
      return { topic, partition, from, to: BigInt(high) };
    });
  }

  async #committed(groupId: string, topic: string): Promise<ReadonlyMap<number, bigint>> {
    const [answer] = await this.#admin.fetchOffsets({ groupId, topics: [topic] });
    return new Map(
      (answer?.partitions ?? [])
        .map(({ partition, offset }): [number, bigint] => [partition, BigInt(offset)])
        .filter(([, offset]) => offset >= 0n),
    );
  }

  async #read(ranges: readonly Range[]): Promise<readonly UndeliveredEvent[]> {
    // Under the prefix that the role may read anyway.
    const consumer = this.#kafka.consumer({
      groupId: `${DEAD_LETTERS}.state/${randomUUID()}`,
      allowAutoTopicCreation: false,
      maxWaitTimeInMs: 100,
    });
    try {
      await consumer.connect();
      await consumer.subscribe({
        topics: [...new Set(ranges.map(({ topic }) => topic))],
        fromBeginning: true,
      });
      return await readRanges(consumer, ranges);
    } finally {
      await consumer.disconnect();
    }
  }
}

function readRanges(consumer: Consumer, ranges: readonly Range[]): Promise<readonly UndeliveredEvent[]> {
  const found: UndeliveredEvent[] = [];
  const left = new Map(ranges.map((range) => [`${range.topic}/${range.partition}`, range]));
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(unread([...left.keys()])), LONGEST_READ_MS);
    const settle = (end: () => void): void => {
      clearTimeout(timer);
      end();
    };
    const take = async ({ batch }: EachBatchPayload): Promise<void> => {
      const place = `${batch.topic}/${batch.partition}`;
      const range = left.get(place);
      if (range === undefined) return;
      for (const message of batch.messages) {
        const offset = BigInt(message.offset);
        if (offset < range.from || offset >= range.to) continue;
        const { event, replayFor } = eventOf(batch.topic, message);
        found.push({ ...event, replayFor });
      }
      if (BigInt(batch.lastOffset()) >= range.to - 1n) left.delete(place);
      if (left.size === 0) settle(() => resolve(found));
    };
    consumer.on(consumer.events.CRASH, ({ payload }) => settle(() => reject(payload.error)));
    consumer
      .run({ autoCommit: false, eachBatch: take })
      .then(() => {
        for (const { topic, partition, from } of ranges)
          consumer.seek({ topic, partition, offset: String(from) });
      })
      .catch((error: unknown) => settle(() => reject(error)));
  });
}

const consumersActive = (groups: readonly string[]): CodedError =>
  new CodedError({
    code: "consumers-active",
    kind: "conflict",
    message: `${groups.join(", ")} still read from Kafka. Stop whatever runs of them: only then is it known what was handled.`,
    details: { groups },
  });

const unread = (places: readonly string[]): CodedError =>
  new CodedError({
    code: "events-unread",
    kind: "timeout",
    message: `${places.join(", ")} could not be read from Kafka within ${LONGEST_READ_MS / 1_000} s.`,
  });
