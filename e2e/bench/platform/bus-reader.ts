// A service that handles events: each once, by its inbox.
import { createDatabaseIfMissing } from "@aios/service-kit/database";
import type { ReceivedEvent } from "@aios/service-kit/event-bus";
import { inbox } from "@aios/service-kit/inbox";
import { createMessagingSchema } from "@aios/service-kit/messaging-schema";
import { openEventBus } from "@aios/service-kit/open-event-bus";
import { createPool, inTransaction } from "@aios/service-kit/postgres-pool";
import { silentLogger } from "@aios/testkit/silent-logger";
import {
  type BusSettings,
  nowMs,
  PARTITIONS,
  RETENTION_MS,
  type ReadOrder,
  type ReadReport,
  writtenAtMs,
} from "./bus-protocol.js";

const settings = JSON.parse(process.argv[2] ?? "{}") as BusSettings;

await createDatabaseIfMissing(settings.databaseUrl);
const pool = createPool({ url: settings.databaseUrl, max: PARTITIONS + 2, applicationName: "bench reader" });
await createMessagingSchema(pool);
const bus = await openEventBus({
  url: settings.busUrl,
  applicationName: "bench reader",
  logger: silentLogger,
});
let delaysMs: number[] = [];
let untilKeptMs: number[] = [];
let repeated = 0;
let ordered = 0;
await bus.subscribe({
  group: "bench-reader",
  topics: [{ name: settings.topic, partitions: PARTITIONS, retentionMs: RETENTION_MS }],
  handler: (event) => handle([event]),
  batchHandler: handle,
});
process.on("message", (order: ReadOrder | "close") => {
  if (order === "close") return void close();
  ordered = order.events;
  if (delaysMs.length >= ordered) report();
});
process.send?.("ready");

/** One transaction for all that came together. */
async function handle(events: readonly ReceivedEvent[]): Promise<void> {
  const fresh = await inTransaction(pool, (transaction) =>
    inbox.claim(
      transaction,
      events.map(({ id }) => id),
    ),
  );
  const handledAtMs = nowMs();
  const isFresh = new Set(fresh);
  for (const { id, payload, occurredAtMs } of events) {
    if (!isFresh.has(id)) continue;
    delaysMs.push(handledAtMs - writtenAtMs(payload));
    untilKeptMs.push(occurredAtMs - writtenAtMs(payload));
  }
  repeated += events.length - fresh.length;
  if (ordered > 0 && delaysMs.length >= ordered) report();
}

function report(): void {
  const told: ReadReport = { kind: "read", endedAtMs: nowMs(), delaysMs, untilKeptMs, repeated };
  [delaysMs, untilKeptMs, repeated, ordered] = [[], [], 0, 0];
  process.send?.(told);
}

async function close(): Promise<void> {
  await bus.close();
  await pool.end();
  process.disconnect();
}
