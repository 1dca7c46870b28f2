/** One event to append. Order is kept per key within a topic. */
export interface OutgoingEvent {
  /** UUID; the same id appended twice to a topic is stored once. */
  readonly id: string;
  readonly topic: string;
  readonly key: string;
  readonly payload: Uint8Array;
  /** Text headers, for example `traceparent`. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface ReceivedEvent extends OutgoingEvent {
  readonly partition: number;
  readonly offset: bigint;
  readonly occurredAtMs: number;
  /** 1 for the first delivery by this process. */
  readonly attempt: number;
  /** Aborts when the partition is lost to another member or the subscription closes. */
  readonly signal: AbortSignal;
}

/** Handles one event; returning commits it, throwing delivers it again and, after the last try, dead-letters it. */
export type EventHandler = (event: ReceivedEvent) => Promise<void>;

/**
 * Handles events of one topic together: all of them, or none and it throws. Those of a partition are in their order, one
 * partition after the other.
 */
export type EventBatchHandler = (events: readonly ReceivedEvent[]) => Promise<void>;

export interface TopicSettings {
  readonly name: string;
  /** Fixed when the topic is first seen; later values are ignored. */
  readonly partitions: number;
  readonly retentionMs: number;
}

export interface RetryPolicy {
  /** Tries before an event is dead-lettered, at least 1. */
  readonly maxAttempts: number;
  /** Tries when a dependency is down (error kinds `unavailable` and `timeout`). */
  readonly maxUnavailableAttempts: number;
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
}

export interface SubscribeOptions {
  /** Members of a group share its partitions; each group sees every event. A new group starts at the oldest event. */
  readonly group: string;
  readonly topics: readonly TopicSettings[];
  readonly handler: EventHandler;
  /**
   * Where several events wait, they come here first, at most `LARGEST_DELIVERY` at once, of several partitions where
   * each has few. When it throws, it is given those of each partition by themselves, and where it throws again, each
   * goes to `handler` alone, which tells the bad one from the others.
   */
  readonly batchHandler?: EventBatchHandler;
  readonly retry?: Partial<RetryPolicy>;
  /** Most partitions that this member works on at once. */
  readonly concurrency?: number;
}

export interface Subscription {
  /** Finishes the events in work, commits them and gives the partitions back. */
  close(): Promise<void>;
}

export interface DeadLetter {
  readonly id: bigint;
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly eventId: string;
  readonly key: string;
  readonly attempts: number;
  readonly errorCode: string;
  readonly errorMessage: string;
  readonly failedAtMs: number;
}

/** Where a group reads on from. */
export type ReplayPosition =
  | { readonly kind: "earliest" }
  | { readonly kind: "time"; readonly fromMs: number }
  | { readonly kind: "offset"; readonly partition: number; readonly offset: bigint };

/**
 * A durable log of events: at least once, ordered per key, consumer groups, replay, dead letters. What is published
 * when `publish` resolves survives any crash. Losing the backend makes calls fail with `event-bus-unavailable` and
 * subscriptions wait; both go on by themselves when it is back.
 */
export interface EventBus {
  /**
   * Appends all, or fails; then publish the same events again. None is written when a topic is unknown (`unknown-topic`)
   * or there are more than 1,000 (`batch-too-large`). The embedded log appends all or none in every case.
   */
  publish(events: readonly OutgoingEvent[]): Promise<void>;
  /** Creates the topics that are missing. Resolves once the member takes part. */
  subscribe(options: SubscribeOptions): Promise<Subscription>;
  ensureTopics(topics: readonly TopicSettings[]): Promise<void>;
  /** Moves a group; events handled before arrive again. */
  replay(group: string, topic: string, position: ReplayPosition): Promise<void>;
  /** Oldest first. */
  listDeadLetters(filter: {
    readonly group?: string;
    readonly topic?: string;
    readonly limit: number;
  }): Promise<readonly DeadLetter[]>;
  /** Gives dead letters to their own group again, at the end of the log; answers how many. */
  replayDeadLetters(ids: readonly bigint[]): Promise<number>;
  /** Rejects when the log cannot be written to. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** Events of one partition that are fetched, or given to a batch handler, at once. */
export const LARGEST_DELIVERY = 128;

export const DEFAULT_RETRY: RetryPolicy = {
  maxAttempts: 8,
  maxUnavailableAttempts: 120,
  firstDelayMs: 50,
  maxDelayMs: 3_000,
};

/** Exponential delay before try `attempt + 1`. */
export function retryDelayMs(policy: RetryPolicy, attempt: number): number {
  return Math.min(policy.maxDelayMs, policy.firstDelayMs * 2 ** Math.min(attempt - 1, 30));
}

/** The partition of a key: FNV-1a, 32 bit, over its UTF-8 bytes. The same on every member and for ever. */
export function partitionOf(key: string, partitions: number): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(key, "utf8")) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash % partitions;
}
