// A service that writes events: each in a transaction with its outbox, which the relay moves to the bus.
import type { Topic } from "@aios/proto/topics";
import { createDatabaseIfMissing } from "@aios/service-kit/database";
import { createMessagingSchema } from "@aios/service-kit/messaging-schema";
import { openEventBus } from "@aios/service-kit/open-event-bus";
import { outbox } from "@aios/service-kit/outbox";
import { OutboxRelay } from "@aios/service-kit/outbox-relay";
import { createPool, inTransaction } from "@aios/service-kit/postgres-pool";
import { silentLogger } from "@aios/testkit/silent-logger";
import {
  type BusSettings,
  nowMs,
  PARTITIONS,
  PER_TRANSACTION,
  RETENTION_MS,
  type Sample,
  sampleTopic,
  type WriteOrder,
  type WriteReport,
} from "./bus-protocol.js";
import { CONCURRENT, paced } from "./paced.js";

const AGGREGATES = 512;
const settings = JSON.parse(process.argv[2] ?? "{}") as BusSettings;
const topic = sampleTopic(settings.topic) as Topic<Sample>;

await createDatabaseIfMissing(settings.databaseUrl);
const pool = createPool({
  url: settings.databaseUrl,
  max: CONCURRENT + 2,
  applicationName: "bench writer",
});
await createMessagingSchema(pool);
const bus = await openEventBus({
  url: settings.busUrl,
  applicationName: "bench writer",
  logger: silentLogger,
});
await bus.ensureTopics([{ name: topic.name, partitions: PARTITIONS, retentionMs: RETENTION_MS }]);
const relay = new OutboxRelay({
  databaseUrl: settings.databaseUrl,
  pool,
  bus,
  service: "bench-writer",
  logger: silentLogger,
});
await relay.start();
process.on("message", (order: WriteOrder | "close") => {
  void (order === "close" ? close() : write(order).then((report) => process.send?.(report)));
});
process.send?.("ready");

async function write({ events, perSecond }: WriteOrder): Promise<WriteReport> {
  const startedAtMs = nowMs();
  const transactionsPerSecond = perSecond === undefined ? undefined : perSecond / PER_TRANSACTION;
  await paced({ times: events / PER_TRANSACTION, perSecond: transactionsPerSecond }, writeOnce);
  return { kind: "written", startedAtMs, endedAtMs: nowMs() };
}

/** One change of an aggregate and what it tells others. */
async function writeOnce(number: number): Promise<void> {
  await inTransaction(pool, (transaction) =>
    outbox.addAll(
      transaction,
      topic,
      Array.from({ length: PER_TRANSACTION }, (_, index) => ({
        key: `aggregate-${(number * PER_TRANSACTION + index) % AGGREGATES}`,
        writtenAtMs: nowMs(),
      })),
    ),
  );
}

async function close(): Promise<void> {
  await relay.close(1_000);
  await bus.close();
  await pool.end();
  process.disconnect();
}
