import { fork } from "node:child_process";
import { once } from "node:events";
import { Kafka, logLevel } from "kafkajs";
import { cpuSeconds } from "../../src/cpu-time.js";
import { nowMs, PARTITIONS, PAYLOAD_BYTES } from "./bus-protocol.js";

const BATCH = 200;

export interface BareKafka {
  readonly perSecond: number;
  /** Processor time of all processes, the broker included, for a message. */
  readonly cpuMs: number;
}

/** Messages from kafkajs to kafkajs, each in a process of its own, without outbox or inbox. */
export async function bareKafka(url: string, topic: string, messages: number): Promise<BareKafka> {
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
  const value = Buffer.alloc(PAYLOAD_BYTES, 0x61);
  for (let sent = 0; sent < messages; sent += BATCH) {
    const batch = Array.from({ length: BATCH }, (_, index) => ({
      key: `aggregate-${(sent + index) % 512}`,
      value,
    }));
    await producer.send({ topic, acks: -1, messages: batch });
  }
  const [endedAtMs] = (await ended) as [number];
  const cpuMs = ((cpuSeconds(process.pid) - before) / messages) * 1_000;
  await producer.disconnect();
  await once(reader, "exit");
  return { perSecond: (messages / (endedAtMs - startedAtMs)) * 1_000, cpuMs };
}

function client(url: string): Kafka {
  return new Kafka({ brokers: [new URL(url).host], logLevel: logLevel.NOTHING });
}

async function read(url: string, topic: string, messages: number): Promise<void> {
  const consumer = client(url).consumer({ groupId: "bare-reader", allowAutoTopicCreation: false });
  let seen = 0;
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
      seen += batch.messages.length;
      if (seen >= messages) told();
    },
  });
  await all;
  process.send?.(nowMs());
  await consumer.disconnect();
  process.disconnect();
}

const [, , url, topic, messages] = process.argv;
if (process.send !== undefined && url !== undefined && topic !== undefined)
  await read(url, topic, Number(messages));
