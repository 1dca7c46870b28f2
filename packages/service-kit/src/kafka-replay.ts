import { CodedError } from "@aios/kernel/coded-error";
import type { Admin, Kafka } from "kafkajs";
import type { ReplayPosition } from "./event-bus.js";
import { subscribedRoundRobin } from "./kafka-assigner.js";

const LONGEST_MOVE_MS = 60_000;

interface Move {
  readonly kafka: Kafka;
  readonly admin: Admin;
  readonly group: string;
  readonly topic: string;
  readonly position: ReplayPosition;
}

/**
 * Sets a group's offsets while its members work: joins it as the one that gets the topic alone, commits the new
 * offsets, and leaves; whoever gets the partitions next starts there. Events in work finish before.
 */
export async function moveGroup({ kafka, admin, group, topic, position }: Move): Promise<void> {
  const targets = await targetOffsets(admin, topic, position);
  const consumer = kafka.consumer({
    groupId: group,
    partitionAssigners: [subscribedRoundRobin(true)],
    allowAutoTopicCreation: false,
    maxWaitTimeInMs: 100,
  });
  let timer: NodeJS.Timeout | undefined;
  try {
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    const owned = new Promise<void>((resolve, reject) => {
      timer = setTimeout(() => reject(notMoved(group, topic)), LONGEST_MOVE_MS);
      consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
      consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
        const partitions: readonly number[] = payload.memberAssignment[topic] ?? [];
        if (targets.every(({ partition }) => partitions.includes(partition))) resolve();
      });
    });
    // Nothing is read: the offsets are all that this member is here for.
    await consumer.run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch: async () => undefined });
    await owned;
    await consumer.commitOffsets(targets.map(({ partition, offset }) => ({ topic, partition, offset })));
  } finally {
    clearTimeout(timer);
    await consumer.disconnect();
  }
}

async function targetOffsets(
  admin: Admin,
  topic: string,
  position: ReplayPosition,
): Promise<readonly { readonly partition: number; readonly offset: string }[]> {
  switch (position.kind) {
    case "offset":
      return [{ partition: position.partition, offset: position.offset.toString() }];
    case "earliest":
      return (await admin.fetchTopicOffsets(topic)).map(({ partition, low }) => ({ partition, offset: low }));
    case "time":
      return admin.fetchTopicOffsetsByTimestamp(topic, position.fromMs);
  }
}

function notMoved(group: string, topic: string): CodedError {
  return new CodedError({
    code: "group-not-moved",
    kind: "timeout",
    message: `The group ${group} did not hand ${topic} over within ${LONGEST_MOVE_MS / 1_000} s; its members may be stuck in an event. Nothing was changed.`,
    retryAfterMs: 5_000,
  });
}
