// Runs inside of a service's pod (`kubectl exec … node --eval`), with what its image holds: there the event bus can be
// reached, and its URL is known. Writes `EventCounts` as one line of JSON.
import { randomUUID } from "node:crypto";
import { topics } from "@aios/proto/topics";
import { createLogger } from "@aios/service-kit/logger";

interface LoggedEvent {
  readonly topic: string;
  readonly id: string;
  readonly payload: Uint8Array;
}

interface Waiting {
  readonly group: string;
  readonly topic: string;
  readonly events: number;
}

interface WholeLog {
  readonly events: readonly LoggedEvent[];
  readonly waiting: readonly Waiting[];
}

const APPLICATION = "aios-event-counts";
const LONGEST_READ_MS = 60_000;
const NAMES = Object.values(topics).map(({ name }) => name);

const url = process.env.EVENT_BUS_URL ?? "";
const log = /^kafkas?:/.test(url) ? await kafkaLog(url) : await postgresLog(url);
process.stdout.write(`${JSON.stringify(countsOf(log))}\n`);

function countsOf({ events, waiting }: WholeLog): object {
  const counted: Record<string, { events: number; ids: number }> = {};
  const jobChanges: Record<string, string[]> = {};
  const seen = new Set<string>();
  for (const { topic, id, payload } of events) {
    counted[topic] ??= { events: 0, ids: 0 };
    counted[topic].events += 1;
    if (!seen.has(`${topic} ${id}`)) counted[topic].ids += 1;
    seen.add(`${topic} ${id}`);
    if (topic !== topics.economyJobChanged.name) continue;
    const change = topics.economyJobChanged.codec.decode(payload);
    const stage = change.finalized ? "final" : "seen";
    jobChanges[change.jobId] ??= [];
    jobChanges[change.jobId]?.push(`${change.transactionHash}:${change.logIndex} ${stage}`);
  }
  return { topics: counted, waiting, jobChanges };
}

async function postgresLog(databaseUrl: string): Promise<WholeLog> {
  const { createPool } = await import("@aios/service-kit/postgres-pool");
  const pool = createPool({ url: databaseUrl, max: 1, applicationName: APPLICATION });
  try {
    const { rows: events } = await pool.query<LoggedEvent>(
      "SELECT topic, event_id AS id, payload FROM event_log.events WHERE replay_for IS NULL",
    );
    const { rows: waiting } = await pool.query<Waiting>(
      `SELECT group_name AS group, topic, sum(p.next_offset - q.next_offset)::integer AS events
       FROM event_log.positions q JOIN event_log.partitions p USING (topic, partition) GROUP BY 1, 2`,
    );
    return { events, waiting };
  } finally {
    await pool.end();
  }
}

async function kafkaLog(kafkaUrl: string): Promise<WholeLog> {
  const { createKafka } = await import("@aios/service-kit/kafka-client");
  const { eventOf } = await import("@aios/service-kit/kafka-record");
  const kafka = createKafka(kafkaUrl, APPLICATION, createLogger({ service: APPLICATION, level: "silent" }));
  const admin = kafka.admin();
  const group = `${APPLICATION}-${randomUUID()}`;
  const consumer = kafka.consumer({ groupId: group, allowAutoTopicCreation: false });
  await Promise.all([admin.connect(), consumer.connect()]);
  try {
    const there = new Set(await admin.listTopics());
    const names = NAMES.filter((name) => there.has(name));
    const ends = new Map<string, bigint>();
    for (const topic of names)
      for (const { partition, low, high } of await admin.fetchTopicOffsets(topic))
        if (low !== high) ends.set(`${topic} ${partition}`, BigInt(high));
    const waiting = await kafkaWaiting(admin, names);
    const events: LoggedEvent[] = [];
    await consumer.subscribe({ topics: names, fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      const late = setTimeout(() => reject(new Error("the log was not read in time")), LONGEST_READ_MS);
      const done = (): void => {
        clearTimeout(late);
        resolve();
      };
      if (ends.size === 0) done();
      const eachBatch = async ({
        batch,
      }: {
        readonly batch: {
          readonly topic: string;
          readonly partition: number;
          readonly messages: readonly Parameters<typeof eventOf>[1][];
          lastOffset(): string;
        };
      }): Promise<void> => {
        for (const message of batch.messages) {
          const { event, replayFor } = eventOf(batch.topic, message);
          if (replayFor === undefined) events.push(event);
        }
        const place = `${batch.topic} ${batch.partition}`;
        if (BigInt(batch.lastOffset()) + 1n >= (ends.get(place) ?? 0n)) ends.delete(place);
        if (ends.size === 0) done();
      };
      consumer.run({ eachBatch }).catch(reject);
    });
    return { events, waiting };
  } finally {
    await consumer.disconnect();
    await admin.deleteGroups([group]).catch(() => undefined);
    await admin.disconnect();
  }
}

interface GroupAdmin {
  listGroups(): Promise<{ readonly groups: readonly { readonly groupId: string }[] }>;
  fetchOffsets(of: { groupId: string; topics: string[] }): Promise<
    readonly {
      readonly topic: string;
      readonly partitions: readonly { readonly partition: number; readonly offset: string }[];
    }[]
  >;
  fetchTopicOffsets(topic: string): Promise<readonly { readonly partition: number; readonly high: string }[]>;
}

/** A group that never committed to a partition does not listen to its topic: -1. */
async function kafkaWaiting(admin: GroupAdmin, names: readonly string[]): Promise<readonly Waiting[]> {
  const waiting: Waiting[] = [];
  const { groups } = await admin.listGroups();
  for (const { groupId } of groups) {
    if (groupId.startsWith(APPLICATION)) continue;
    for (const { topic, partitions } of await admin.fetchOffsets({ groupId, topics: [...names] })) {
      const heard = partitions.filter(({ offset }) => offset !== "-1");
      if (heard.length === 0) continue;
      const ends = new Map(
        (await admin.fetchTopicOffsets(topic)).map(({ partition, high }) => [partition, high]),
      );
      const events = heard.reduce(
        (sum, { partition, offset }) => sum + Number(BigInt(ends.get(partition) ?? offset) - BigInt(offset)),
        0,
      );
      waiting.push({ group: groupId, topic, events });
    }
  }
  return waiting;
}
