import { CodedError } from "@aios/kernel/coded-error";
import { durationMs } from "@aios/kernel/units";
import { codedErrorOf } from "@aios/service-kit/database-outage";
import {
  DEFAULT_RETRY,
  type DeadLetter,
  type EventBus,
  LARGEST_DELIVERY,
  type OutgoingEvent,
  partitionOf,
  type ReplayPosition,
  type RetryPolicy,
  retryDelayMs,
  type SubscribeOptions,
  type Subscription,
  type TopicSettings,
} from "@aios/service-kit/event-bus";
import { SharedDelivery } from "@aios/service-kit/shared-delivery";
import { systemClock } from "@aios/service-kit/system-clock";

interface StoredEvent extends OutgoingEvent {
  readonly occurredAtMs: number;
  readonly replayFor: string | undefined;
}

interface StoredLetter extends DeadLetter {
  readonly event: StoredEvent;
}

interface Topic {
  readonly partitions: StoredEvent[][];
  readonly ids: Set<string>;
}

/** A partition as one group sees it. `epoch` changes with every owner and every replay. */
interface Position {
  next: number;
  epoch: number;
  owner: Member | undefined;
}

/** The log that several `MemoryEventBus` share, as processes share a server. */
export class MemoryEventLog {
  readonly topics = new Map<string, Topic>();
  readonly letters: StoredLetter[] = [];
  readonly members = new Set<Member>();
  readonly #positions = new Map<string, Position>();
  #lastLetter = 0n;

  position(group: string, topic: string, partition: number): Position {
    const key = `${group}\0${topic}\0${partition}`;
    const known = this.#positions.get(key);
    if (known !== undefined) return known;
    const fresh: Position = { next: 0, epoch: 0, owner: undefined };
    this.#positions.set(key, fresh);
    return fresh;
  }

  topic(name: string): Topic {
    const topic = this.topics.get(name);
    if (topic !== undefined) return topic;
    throw new CodedError({
      code: "unknown-topic",
      kind: "not-found",
      message: `There is no topic '${name}'.`,
    });
  }

  append(event: StoredEvent): void {
    const topic = this.topic(event.topic);
    if (event.replayFor === undefined) {
      if (topic.ids.has(event.id)) return;
      topic.ids.add(event.id);
    }
    topic.partitions[partitionOf(event.key, topic.partitions.length)]?.push(event);
  }

  bury(letter: Omit<StoredLetter, "id">): void {
    this.#lastLetter += 1n;
    this.letters.push({ ...letter, id: this.#lastLetter });
  }

  wake(): void {
    for (const member of this.members) member.look();
  }
}

/** An event bus in memory, for tests of services; it passes the same conformance suite as the real one. */
export class MemoryEventBus implements EventBus {
  readonly #log: MemoryEventLog;
  readonly #members = new Set<Member>();

  constructor(log: MemoryEventLog = new MemoryEventLog()) {
    this.#log = log;
  }

  async publish(events: readonly OutgoingEvent[]): Promise<void> {
    for (const event of events) this.#log.topic(event.topic);
    for (const event of events)
      this.#log.append({ ...event, occurredAtMs: systemClock.now(), replayFor: undefined });
    this.#log.wake();
  }

  async ensureTopics(topics: readonly TopicSettings[]): Promise<void> {
    for (const { name, partitions } of topics) {
      if (this.#log.topics.has(name)) continue;
      this.#log.topics.set(name, {
        partitions: Array.from({ length: partitions }, () => []),
        ids: new Set(),
      });
    }
  }

  async subscribe(options: SubscribeOptions): Promise<Subscription> {
    await this.ensureTopics(options.topics);
    const member = new Member(this.#log, options);
    this.#members.add(member);
    this.#log.members.add(member);
    this.#log.wake();
    return {
      close: async () => {
        this.#members.delete(member);
        await member.close();
      },
    };
  }

  async replay(group: string, topic: string, position: ReplayPosition): Promise<void> {
    this.#log.topic(topic).partitions.forEach((events, partition) => {
      if (position.kind === "offset" && position.partition !== partition) return;
      const state = this.#log.position(group, topic, partition);
      const later = events.findIndex(
        (event) => position.kind === "time" && event.occurredAtMs >= position.fromMs,
      );
      if (position.kind === "earliest") state.next = 0;
      else if (position.kind === "offset") state.next = Number(position.offset);
      else state.next = later < 0 ? events.length : later;
      state.epoch += 1;
      state.owner = undefined;
    });
    this.#log.wake();
  }

  async listDeadLetters(filter: {
    readonly group?: string;
    readonly topic?: string;
    readonly limit: number;
  }): Promise<readonly DeadLetter[]> {
    return this.#log.letters
      .filter(({ group }) => filter.group === undefined || filter.group === group)
      .filter(({ topic }) => filter.topic === undefined || filter.topic === topic)
      .slice(0, filter.limit);
  }

  async replayDeadLetters(ids: readonly bigint[]): Promise<number> {
    const chosen = this.#log.letters.filter(({ id }) => ids.includes(id));
    for (const letter of chosen) {
      this.#log.letters.splice(this.#log.letters.indexOf(letter), 1);
      this.#log.append({ ...letter.event, replayFor: letter.group });
    }
    this.#log.wake();
    return chosen.length;
  }

  async ping(): Promise<void> {}

  async close(): Promise<void> {
    await Promise.all([...this.#members].map((member) => member.close()));
    this.#members.clear();
  }
}

class Member {
  readonly #log: MemoryEventLog;
  readonly #options: SubscribeOptions;
  readonly #retry: RetryPolicy;
  readonly #shared: SharedDelivery;
  readonly #running = new Set<Promise<void>>();
  readonly #abort = new AbortController();

  constructor(log: MemoryEventLog, options: SubscribeOptions) {
    this.#log = log;
    this.#options = options;
    this.#retry = { ...DEFAULT_RETRY, ...options.retry };
    this.#shared = new SharedDelivery(options.batchHandler);
  }

  look(): void {
    if (this.#abort.signal.aborted) return;
    for (const { name } of this.#options.topics) {
      this.#log.topic(name).partitions.forEach((events, partition) => {
        const position = this.#log.position(this.#options.group, name, partition);
        if (position.owner !== undefined || position.next >= events.length) return;
        position.owner = this;
        position.epoch += 1;
        const run = this.#work(events, position, partition, position.epoch).finally(() => {
          this.#running.delete(run);
          if (position.owner === this) position.owner = undefined;
          this.#log.wake();
        });
        this.#running.add(run);
      });
    }
  }

  async close(): Promise<void> {
    this.#log.members.delete(this);
    this.#abort.abort(new Error("the consumer is shutting down"));
    await Promise.all(this.#running);
  }

  async #work(
    events: readonly StoredEvent[],
    position: Position,
    partition: number,
    epoch: number,
  ): Promise<void> {
    // The publisher does not wait for handlers.
    await Promise.resolve();
    while (!this.#abort.signal.aborted && position.epoch === epoch) {
      const offset = position.next;
      const taken = await this.#deliverTogether(
        events.slice(offset, offset + LARGEST_DELIVERY),
        partition,
        offset,
      );
      if (taken > 0 && position.epoch === epoch) position.next = offset + taken;
      if (taken > 0) continue;
      const event = events[offset];
      if (event === undefined) return;
      const mine = event.replayFor === undefined || event.replayFor === this.#options.group;
      if (mine && !(await this.#deliver(event, partition, offset, () => position.epoch === epoch))) return;
      if (position.epoch === epoch) position.next = offset + 1;
    }
  }

  /** How many events the batch handler took; 0: each has to be delivered alone. */
  async #deliverTogether(
    waiting: readonly StoredEvent[],
    partition: number,
    offset: number,
  ): Promise<number> {
    const events = waiting.flatMap((event, index) => {
      const mine = event.replayFor === undefined || event.replayFor === this.#options.group;
      const facts = { partition, offset: BigInt(offset + index), attempt: 1, signal: this.#abort.signal };
      return mine ? [{ ...event, ...facts }] : [];
    });
    return (await this.#shared.deliver(events)) ? waiting.length : 0;
  }

  async #deliver(
    event: StoredEvent,
    partition: number,
    offset: number,
    owned: () => boolean,
  ): Promise<boolean> {
    for (let attempt = 1; ; attempt++) {
      try {
        const facts = { partition, offset: BigInt(offset), attempt, signal: this.#abort.signal };
        await this.#options.handler({ ...event, ...facts });
        return true;
      } catch (thrown) {
        if (this.#abort.signal.aborted || !owned()) return false;
        const error = codedErrorOf(thrown);
        const waits = error.kind === "unavailable" || error.kind === "timeout";
        if (attempt >= (waits ? this.#retry.maxUnavailableAttempts : this.#retry.maxAttempts)) {
          this.#bury(event, partition, offset, attempt, error.code, thrown);
          return true;
        }
        const delay = durationMs(Math.round(retryDelayMs(this.#retry, attempt)));
        await systemClock.wait(delay, this.#abort.signal).catch(() => undefined);
        if (this.#abort.signal.aborted || !owned()) return false;
      }
    }
  }

  #bury(
    event: StoredEvent,
    partition: number,
    offset: number,
    attempts: number,
    code: string,
    thrown: unknown,
  ): void {
    this.#log.bury({
      group: this.#options.group,
      topic: event.topic,
      partition,
      offset: BigInt(offset),
      eventId: event.id,
      key: event.key,
      attempts,
      errorCode: code,
      errorMessage: thrown instanceof Error ? thrown.message : String(thrown),
      failedAtMs: systemClock.now(),
      event,
    });
  }
}
