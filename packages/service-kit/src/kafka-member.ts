import { durationMs } from "@aios/kernel/units";
import type { Consumer, EachBatchPayload, Kafka, KafkaMessage } from "kafkajs";
import {
  type EventBatchHandler,
  type EventHandler,
  LARGEST_DELIVERY,
  type ReceivedEvent,
  type RetryPolicy,
} from "./event-bus.js";
import { type DeliveryOutcome, deliver } from "./event-delivery.js";
import { subscribedRoundRobin } from "./kafka-assigner.js";
import { isLasting } from "./kafka-client.js";
import { KafkaCommits } from "./kafka-commits.js";
import { eventOf, type StoredEvent } from "./kafka-record.js";
import type { Logger } from "./logger.js";
import { defineMetrics } from "./metrics.js";
import { SharedDelivery } from "./shared-delivery.js";
import { systemClock } from "./system-clock.js";

export interface KafkaMemberOptions {
  readonly kafka: Kafka;
  readonly logger: Logger;
  readonly group: string;
  readonly topics: readonly string[];
  readonly handler: EventHandler;
  readonly batchHandler: EventBatchHandler | undefined;
  readonly retry: RetryPolicy;
  readonly concurrency: number;
  /** Keeps an event that could not be handled; resolves once it is safe. */
  readonly bury: (poison: PoisonEvent) => Promise<void>;
}

export interface PoisonEvent {
  readonly group: string;
  readonly stored: StoredEvent;
  readonly partition: number;
  readonly offset: bigint;
  readonly attempts: number;
  readonly thrown: unknown;
}

/** The least that brokers allow by default: as long, a member that crashed keeps its partitions from others. */
const SESSION_TIMEOUT_MS = 6_000;
const REBALANCE_TIMEOUT_MS = 30_000;
const HEARTBEAT_MS = 1_000;
/** How long a broker may hold an idle fetch; closing waits for it. */
const FETCH_WAIT_MS = 300;
const RELAUNCH_MS = 500;
/** Ids a partition remembers, to drop what was written twice. */
const REMEMBERED_IDS = 10_000;

const metrics = defineMetrics("event_bus", {
  lag: { kind: "gauge", description: "Events that wait in a partition behind the group, by topic" },
});

/** One member of a consumer group on Kafka: events of a partition one after the other, committed after handling. */
export class KafkaMember {
  readonly #options: KafkaMemberOptions;
  readonly #closing = new AbortController();
  readonly #shared: SharedDelivery;
  #consumer: Consumer | undefined;
  #restarting: Promise<void> | undefined;
  #assignment = new AbortController();
  #seen = new Map<string, Set<string>>();
  /** Partitions by topic whose lag this member has told. */
  readonly #told = new Map<string, Set<number>>();

  constructor(options: KafkaMemberOptions) {
    this.#options = options;
    this.#shared = new SharedDelivery(options.batchHandler);
  }

  /** Resolves once the member takes part in the group. Throws `event-bus-refused` when it may not. */
  async start(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const refused = (error: unknown): void => {
        if (isLasting(error)) reject(error);
      };
      this.#restarting = this.#launch(resolve, refused);
    });
  }

  /** Lets the events in work finish and commits them. */
  async close(): Promise<void> {
    this.#closing.abort(new Error("the consumer is shutting down"));
    await this.#restarting;
    await this.#consumer?.disconnect();
    this.#forgetLagBeyond({});
  }

  /** Starts a consumer, again and again until it runs; kafkajs gives up for good on some passing failures. */
  async #launch(joined: () => void, failed: (error: unknown) => void): Promise<void> {
    while (!this.#closing.signal.aborted) {
      try {
        await this.#consumer?.disconnect();
        await this.#run(joined, failed);
        return;
      } catch (error) {
        failed(error);
        this.#options.logger.warn({ error, group: this.#options.group }, "the group could not be joined");
        await systemClock.wait(durationMs(RELAUNCH_MS), this.#closing.signal).catch(() => undefined);
      }
    }
  }

  async #run(joined: () => void, failed: (error: unknown) => void): Promise<void> {
    const consumer = this.#create();
    const commits = new KafkaCommits();
    this.#consumer = consumer;
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      this.#forgetLagBeyond(payload.memberAssignment);
      this.#seen = new Map();
      this.#assignment = new AbortController();
      joined();
    });
    consumer.on(consumer.events.CRASH, ({ payload: { error, restart } }) => {
      failed(error);
      if (!restart && !this.#closing.signal.aborted) this.#restarting = this.#launch(joined, failed);
    });
    await consumer.connect();
    await consumer.subscribe({ topics: [...this.#options.topics], fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: this.#options.concurrency,
      eachBatch: (payload) => this.#work(payload, commits),
    });
  }

  #create(): Consumer {
    return this.#options.kafka.consumer({
      groupId: this.#options.group,
      partitionAssigners: [subscribedRoundRobin()],
      sessionTimeout: SESSION_TIMEOUT_MS,
      rebalanceTimeout: REBALANCE_TIMEOUT_MS,
      heartbeatInterval: HEARTBEAT_MS,
      maxWaitTimeInMs: FETCH_WAIT_MS,
      allowAutoTopicCreation: false,
      retry: { retries: 10, initialRetryTime: 50, maxRetryTime: 1_000, restartOnFailure: async () => true },
    });
  }

  async #work(payload: EachBatchPayload, commits: KafkaCommits): Promise<void> {
    const { batch, resolveOffset, isRunning, isStale } = payload;
    const { topic, partition } = batch;
    const pulse = this.#keepAlive(payload);
    let next: bigint | undefined;
    let uncommitted = 0;
    const commit = async (): Promise<void> => {
      if (next === undefined || uncommitted === 0) return;
      await commits.commit(payload, next);
      uncommitted = 0;
    };
    try {
      const working = (): boolean =>
        isRunning() && !isStale() && !pulse.lost() && !this.#closing.signal.aborted;
      const handled = ({ offset }: KafkaMessage): void => {
        resolveOffset(offset);
        next = BigInt(offset) + 1n;
        uncommitted += 1;
      };
      const oneByOne = async (messages: readonly KafkaMessage[]): Promise<boolean> => {
        for (const message of messages) {
          if (!working() || !(await this.#handle(topic, partition, message, pulse, commit))) return false;
          handled(message);
        }
        return true;
      };
      for (let from = 0, going = true; going && from < batch.messages.length; from += LARGEST_DELIVERY) {
        const messages = batch.messages.slice(from, from + LARGEST_DELIVERY);
        if (working() && (await this.#handleTogether(topic, partition, messages))) messages.forEach(handled);
        else going = await oneByOne(messages);
        await commit();
      }
      const behind = BigInt(batch.highWatermark) - (next ?? BigInt(batch.highWatermark));
      this.#tellLag(topic, partition, Number(behind > 0n ? behind : 0n));
    } finally {
      pulse.stop();
    }
    // The group is being dealt out anew: kafkajs must see it, so that this member joins again.
    pulse.rethrow();
  }

  #tellLag(topic: string, partition: number, behind: number): void {
    const partitions = this.#told.get(topic) ?? new Set();
    this.#told.set(topic, partitions.add(partition));
    metrics.lag.set(behind, { topic, partition, group: this.#options.group });
  }

  /** Of a partition that another member has now, that one tells the lag. */
  #forgetLagBeyond(assignment: Readonly<Record<string, readonly number[]>>): void {
    for (const [topic, partitions] of this.#told) {
      for (const partition of partitions) {
        if (assignment[topic]?.includes(partition) === true) continue;
        metrics.lag.remove({ topic, partition, group: this.#options.group });
        partitions.delete(partition);
      }
    }
  }

  /** True once the batch handler took all that is new and ours. */
  async #handleTogether(
    topic: string,
    partition: number,
    messages: readonly KafkaMessage[],
  ): Promise<boolean> {
    if (this.#options.batchHandler === undefined) return false;
    const signal = AbortSignal.any([this.#closing.signal, this.#assignment.signal]);
    const events: ReceivedEvent[] = [];
    for (const message of messages) {
      const stored = this.#read(topic, message);
      if (stored === undefined || !this.#isOurs(stored)) continue;
      if (this.#isRepeated(topic, partition, stored.event.id)) continue;
      const { event, occurredAtMs } = stored;
      events.push({ ...event, partition, offset: BigInt(message.offset), occurredAtMs, attempt: 1, signal });
    }
    if (await this.#shared.deliver(events)) return true;
    for (const { id } of events) this.#seen.get(`${topic}/${partition}`)?.delete(id);
    return false;
  }

  #isOurs({ replayFor }: StoredEvent): boolean {
    return replayFor === undefined || replayFor === this.#options.group;
  }

  /** False when work ends before the event is handled. */
  async #handle(
    topic: string,
    partition: number,
    message: KafkaMessage,
    pulse: Pulse,
    beforeWait: () => Promise<void>,
  ): Promise<boolean> {
    const { group, handler, retry } = this.#options;
    const stored = this.#read(topic, message);
    if (stored === undefined) return true;
    if (
      stored.replayFor === undefined
        ? this.#isRepeated(topic, partition, stored.event.id)
        : stored.replayFor !== group
    ) {
      return true;
    }
    const signal = AbortSignal.any([this.#closing.signal, this.#assignment.signal]);
    const offset = BigInt(message.offset);
    const received = (attempt: number): ReceivedEvent => ({
      ...stored.event,
      partition,
      offset,
      occurredAtMs: stored.occurredAtMs,
      attempt,
      signal,
    });
    const stopping = (): boolean => signal.aborted || pulse.lost();
    const outcome: DeliveryOutcome = await deliver(
      { handler, retry, signal, stopping, beforeWait },
      received,
    );
    if (outcome.kind === "stopped") {
      this.#seen.get(`${topic}/${partition}`)?.delete(stored.event.id);
      return false;
    }
    if (outcome.kind === "poison") {
      const { attempts, thrown } = outcome;
      await this.#options.bury({ group, stored, partition, offset, attempts, thrown });
    }
    return true;
  }

  #read(topic: string, message: KafkaMessage): StoredEvent | undefined {
    try {
      return eventOf(topic, message);
    } catch (error) {
      this.#options.logger.error({ error, topic }, "a record that no event bus wrote was passed over");
      return undefined;
    }
  }

  /** Whether the partition had this id since the group was last dealt out; it remembers a bounded number. */
  #isRepeated(topic: string, partition: number, id: string): boolean {
    const name = `${topic}/${partition}`;
    const ids = this.#seen.get(name) ?? new Set();
    this.#seen.set(name, ids);
    if (ids.has(id)) return true;
    ids.add(id);
    const [oldest] = ids;
    if (ids.size > REMEMBERED_IDS && oldest !== undefined) ids.delete(oldest);
    return false;
  }

  /** Tells the group that this member lives while a handler works, and hears when the group is dealt out anew. */
  #keepAlive({ heartbeat }: EachBatchPayload): Pulse {
    const assignment = this.#assignment;
    let failure: unknown;
    let giveUp: NodeJS.Timeout | undefined;
    const timer = setInterval(() => {
      heartbeat().catch((error: unknown) => {
        failure ??= error;
        // What is in work may finish; after half of the group's patience it is asked to stop.
        giveUp ??= setTimeout(
          () => assignment.abort(new Error("the group waits for this partition")),
          REBALANCE_TIMEOUT_MS / 2,
        );
      });
    }, HEARTBEAT_MS);
    return {
      lost: () => failure !== undefined,
      stop: () => {
        clearInterval(timer);
        clearTimeout(giveUp);
      },
      rethrow: () => {
        if (failure !== undefined) throw failure;
      },
    };
  }
}

interface Pulse {
  lost(): boolean;
  stop(): void;
  rethrow(): void;
}
