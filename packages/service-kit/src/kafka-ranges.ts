import { randomUUID } from "node:crypto";
import { PassThrough } from "node:stream";
import { CodedError } from "@aios/kernel/coded-error";
import type { Consumer, EachBatchPayload, Kafka } from "kafkajs";
import type { OutgoingEvent } from "./event-bus.js";
import { DEAD_LETTERS } from "./kafka-dead-letters.js";
import { eventOf } from "./kafka-record.js";

/** An event that some service has yet to handle. */
export interface UndeliveredEvent extends OutgoingEvent {
  /** The only service that this copy is for. */
  readonly replayFor: string | undefined;
}

/** Some of a partition's events; there are any. */
export interface OffsetRange {
  readonly topic: string;
  readonly partition: number;
  /** First offset, and the one behind the last. */
  readonly from: bigint;
  readonly to: bigint;
}

const BYTES_OF_A_PARTITION = 1024 ** 2;
const BYTES_AT_ONCE = 8 * BYTES_OF_A_PARTITION;
const LONGEST_SILENCE_MS = 120_000;
/** Well within a member's session of 30 s. */
const BEAT_MS = 3_000;

/**
 * The events of these ranges, in the order of each partition, a batch of one partition at a time; no more is fetched than
 * the caller takes. Throws `events-unread`.
 */
export async function* readRanges(
  kafka: Kafka,
  ranges: readonly OffsetRange[],
): AsyncGenerator<readonly UndeliveredEvent[]> {
  const consumer = kafka.consumer({
    // Under the prefix that the role may read anyway.
    groupId: `${DEAD_LETTERS}.state/${randomUUID()}`,
    allowAutoTopicCreation: false,
    maxWaitTimeInMs: 100,
    maxBytesPerPartition: BYTES_OF_A_PARTITION,
    maxBytes: BYTES_AT_ONCE,
  });
  const batches = new PassThrough({ objectMode: true, highWaterMark: 1 });
  try {
    await consumer.connect();
    await consumer.subscribe({ topics: [...new Set(ranges.map(({ topic }) => topic))], fromBeginning: true });
    fill(batches, consumer, ranges);
    for await (const events of batches) yield events as readonly UndeliveredEvent[];
  } finally {
    batches.destroy();
    await consumer.disconnect();
  }
}

/** Lets the consumer write into `batches` until everything is there. */
function fill(batches: PassThrough, consumer: Consumer, ranges: readonly OffsetRange[]): void {
  const left = new Map(ranges.map((range) => [placeOf(range), { next: range.from, to: range.to }]));
  const silence = (): NodeJS.Timeout =>
    setTimeout(() => batches.destroy(unread([...left.keys()])), LONGEST_SILENCE_MS);
  let timer = silence();
  batches.once("close", () => clearTimeout(timer));
  const take = async ({ batch, heartbeat }: EachBatchPayload): Promise<void> => {
    const range = left.get(placeOf(batch));
    if (range === undefined || batches.destroyed) return;
    clearTimeout(timer);
    const events = batch.messages
      // Some come again where the group is balanced anew.
      .filter(({ offset }) => BigInt(offset) >= range.next && BigInt(offset) < range.to)
      .map((message): UndeliveredEvent => {
        const { event, replayFor } = eventOf(batch.topic, message);
        return { ...event, replayFor };
      });
    const end = BigInt(batch.lastOffset()) + 1n;
    if (end > range.next) range.next = end;
    if (range.next >= range.to) left.delete(placeOf(batch));
    if (events.length > 0) await written(batches, events, heartbeat);
    if (batches.destroyed) return;
    if (left.size === 0) batches.end();
    else timer = silence();
  };
  consumer.on(consumer.events.CRASH, ({ payload }) => batches.destroy(payload.error));
  consumer
    .run({ autoCommit: false, eachBatch: take })
    .then(() => {
      for (const { topic, partition, from } of ranges)
        consumer.seek({ topic, partition, offset: String(from) });
    })
    .catch((error: Error) => batches.destroy(error));
}

/** Waits until there is room for more, or nobody reads; the consumer stays a member meanwhile. */
async function written(
  batches: PassThrough,
  events: readonly UndeliveredEvent[],
  heartbeat: () => Promise<void>,
): Promise<void> {
  if (batches.write(events)) return;
  // A beat that fails is found by the next fetch, which joins the group again.
  const beating = setInterval(() => void heartbeat().catch(() => undefined), BEAT_MS);
  await new Promise<void>((resolve) => {
    batches.once("drain", resolve).once("close", resolve);
  });
  clearInterval(beating);
}

const placeOf = ({ topic, partition }: { readonly topic: string; readonly partition: number }): string =>
  `${topic}/${partition}`;

const unread = (places: readonly string[]): CodedError =>
  new CodedError({
    code: "events-unread",
    kind: "timeout",
    message: `${places.join(", ")} could not be read from Kafka: nothing came for ${LONGEST_SILENCE_MS / 1_000} s.`,
  });
