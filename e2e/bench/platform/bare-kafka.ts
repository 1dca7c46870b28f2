import { fork } from "node:child_process";
import { once } from "node:events";
import { Kafka, logLevel } from "kafkajs";
import { cpuSeconds } from "../../src/cpu-time.js";
import {
  nowMs,
  PARTITIONS,
  PER_TRANSACTION,
  type ReadReport,
  sampleTopic,
  writtenAtMs,
} from "./bus-protocol.js";
import { paced } from "./paced.js";

const BATCH = 200;

export interface BareKafka {
  readonly perSecond: number;
  /** Processor time of all processes, the broker included, for a message. */
  readonly cpuMs: number;
  /** From just before a message is handed to the producer until a consumer has it. */
  readonly delaysMs: readonly number[];
}

/**
 * Messages from kafkajs to kafkajs, each in a process of its own, without outbox or inbox: as fast as it goes and many
 * at once, or at a pace and as many at once as a transaction of the bus's writer has events.
 */
export async function bareKafka(
  url: string,
  topic: string,
  messages: number,
  perSecond?: number,
): Promise<BareKafka> {
  const kafka = client(url);
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions: PARTITIONS }], waitForLeaders: true });
  await admin.disconnect();
  const reader = fork(new URL(import.meta.url), [url, topic, String(messages)], { stdio: "inherit" });
  await once(reader, "message");
  const producer = kafka.producer({ allowAutoTopicCreation: false });
  await producer.connect();
  const ended = once(reader, "message");
  const before = cpuSeconds(process.pid);
  const startedAtMs = nowMs();
  const sample = sampleTopic(topic);
  const send = async (from: number, count: number): Promise<void> => {
    const batch = Array.from({ length: count }, (_, index) => ({
      key: `aggregate-${(from + index) % 512}`,
      value: Buffer.from(sample.codec.encode({ key: "", writtenAtMs: nowMs() }).finish()),
    }));
    await producer.send({ topic, acks: -1, messages: batch });
  };
  if (perSecond === undefined) {
    for (let sent = 0; sent < messages; sent += BATCH) await send(sent, Math.min(BATCH, messages - sent));
  } else {
    await paced({ times: messages / PER_TRANSACTION, perSecond: perSecond / PER_TRANSACTION }, (number) =>
      send(number * PER_TRANSACTION, PER_TRANSACTION),
    );
  }
  const [{ endedAtMs, delaysMs }] = (await ended) as [ReadReport];
  const cpuMs = ((cpuSeconds(process.pid) - before) / messages) * 1_000;
  await producer.disconnect();
  await once(reader, "exit");
  return { perSecond: (messages / (endedAtMs - startedAtMs)) * 1_000, cpuMs, delaysMs };
}

function client(url: string): Kafka {
  return new Kafka({ brokers: [new URL(url).host], logLevel: logLevel.NOTHING });
}

async function read(url: string, topic: string, messages: number): Promise<void> {
  const consumer = client(url).consumer({ groupId: "bare-reader", allowAutoTopicCreation: false });
  const delaysMs: number[] = [];
  let told: () => void = () => undefined;
  const all = new Promise<void>((resolve) => {
    told = resolve;
  });
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  consumer.on(consumer.events.GROUP_JOIN, () => process.send?.("ready"));
  await consumer.run({
    partitionsConsumedConcurrently: PARTITIONS,
    async eachBatch({ batch }) {
      const atMs = nowMs();
      for (const { value } of batch.messages) if (value !== null) delaysMs.push(atMs - writtenAtMs(value));
      if (delaysMs.length >= messages) told();
    },
  });
  await all;
  const report: ReadReport = {
    kind: "read",
    endedAtMs: nowMs(),
    delaysMs,
    untilKeptMs: [],
    repeated: 0,
  };
  process.send?.(report);
  await consumer.disconnect();
  process.disconnect();
}

const [, , url, topic, messages] = process.argv;
if (process.send !== undefined && url !== undefined && topic !== undefined)
  await read(url, topic, Number(messages));
