import { CodedError } from "@aios/kernel/coded-error";
import { durationMs } from "@aios/kernel/units";
import { topics } from "@aios/proto/topics";
import type { Admin, Kafka } from "kafkajs";
import { partitionOf } from "./event-bus.js";
import { createKafka, kafkaError } from "./kafka-client.js";
import { KafkaPublisher } from "./kafka-publisher.js";
import { type OffsetRange, readRanges, type UndeliveredEvent } from "./kafka-ranges.js";
import { recordOf } from "./kafka-record.js";
import { createMissingTopics, topicConfig } from "./kafka-topics.js";
import type { Logger } from "./logger.js";
import { systemClock } from "./system-clock.js";

export interface HandoverOptions {
  readonly url: string;
  readonly logger: Logger;
  /** Of the services. A Kafka may have others, which are nobody's business here. */
  readonly groups: readonly string[];
}

const TOPICS = Object.values(topics);
const PUBLISH_AT_ONCE = 500;
/** A member that was killed is one for as long as its session lasts. */
const MEMBERS_LEAVE_MS = 30_000;
const POLL_MS = 500;

/**
 * What a Kafka holds of the services' state while none of them runs: events that are published and not handled yet. All
 * else is in the databases, which know what was handled.
 */
export class KafkaHandover {
  readonly #kafka: Kafka;
  readonly #admin: Admin;
  readonly #groups: ReadonlySet<string>;

  private constructor({ url, logger, groups }: HandoverOptions) {
    this.#kafka = createKafka(url, "aios-state", logger);
    this.#admin = this.#kafka.admin();
    this.#groups = new Set(groups);
  }

  /** Runs `work` on a connection. Throws `event-bus-unavailable`, `event-bus-refused`. */
  static async with<T>(options: HandoverOptions, work: (handover: KafkaHandover) => Promise<T>): Promise<T> {
    const handover = new KafkaHandover(options);
    try {
      await handover.#admin.connect();
      return await work(handover);
    } catch (error) {
      throw kafkaError(error);
    } finally {
      await handover.#admin.disconnect();
    }
  }

  /**
   * Every event that a service which reads its topic has not handled, in the order of each partition; as many at once as
   * Kafka gives, about a mebibyte. One that others have handled already is harmless to them when it comes again. Throws
   * `consumers-active` while a service runs, `events-unread`, `event-bus-unavailable`, `event-bus-refused`.
   */
  static async *undelivered(options: HandoverOptions): AsyncGenerator<readonly UndeliveredEvent[]> {
    const handover = new KafkaHandover(options);
    try {
      await handover.#admin.connect();
      const ranges = await handover.#undelivered();
      if (ranges.length > 0) yield* readRanges(handover.#kafka, ranges);
    } catch (error) {
      throw kafkaError(error);
    } finally {
      await handover.#admin.disconnect();
    }
  }

  async #undelivered(): Promise<readonly OffsetRange[]> {
    const groups = await this.#restingGroups();
    const there = new Set(await this.#admin.listTopics());
    const ranges: OffsetRange[] = [];
    for (const { name } of TOPICS) if (there.has(name)) ranges.push(...(await this.#unread(name, groups)));
    return ranges.filter(({ from, to }) => from < to);
  }

  /** Makes the topics that are missing and moves every service behind everything there is: it belongs to another time. */
  async skipAll(): Promise<void> {
    const groups = await this.#restingGroups();
    const before = new Set(await this.#admin.listTopics());
    await createMissingTopics(this.#admin, TOPICS.map(topicConfig));
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

  /** The services' groups, all without a member. */
  async #restingGroups(): Promise<readonly string[]> {
    const { groups } = await this.#admin.listGroups();
    const names = groups.map(({ groupId }) => groupId).filter((group) => this.#groups.has(group));
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
  async #unread(topic: string, groups: readonly string[]): Promise<readonly OffsetRange[]> {
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
}

const consumersActive = (groups: readonly string[]): CodedError =>
  new CodedError({
    code: "consumers-active",
    kind: "conflict",
    message: `${groups.join(", ")} still read from Kafka. Stop whatever runs of them: only then is it known what was handled.`,
    details: { groups },
  });
