// `npm run bench -- platform`: event bus, gateway and gRPC on this machine, each beside what it is built on.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEmbeddedPostgres, wipeEmbeddedPostgres } from "@aios/service-kit/embedded-postgres";
import { kafkaIsAvailable, startKafka } from "@aios/testkit/kafka";
import { type Figure, printFigures } from "../src/figures.js";
import { bareKafkaPerSecond } from "./platform/bare-kafka.js";
import { busFigures } from "./platform/bus-figures.js";

const SUITE = "platform";
const EVENTS = 20_000;
const KAFKA_GOAL_PER_SECOND = 5_000;
const EMBEDDED_GOAL_PER_SECOND = 3_000;

const figures: Figure[] = [];
const dataDir = mkdtempSync(join(tmpdir(), "aios-bench-platform-"));
const postgres = await startEmbeddedPostgres({ dataDir, port: 0, maxConnections: 100 });
try {
  figures.push(
    ...(await busFigures(SUITE, {
      name: "embedded",
      busUrl: postgres.url("bench_events"),
      database: (name) => postgres.url(name),
      events: EVENTS,
      goalPerSecond: EMBEDDED_GOAL_PER_SECOND,
    })),
  );
  figures.push(...(await onKafka()));
} finally {
  await postgres.stop();
  wipeEmbeddedPostgres(dataDir);
  rmSync(dataDir, { recursive: true, force: true });
}
printFigures(figures, process.argv.includes("--json"), process.stdout);

async function onKafka(): Promise<Figure[]> {
  if (!kafkaIsAvailable()) {
    const name = "kafka: events a second, outbox to inbox, 1 KiB";
    const note = "Java, or Kafka's jars and Maven, are missing";
    return [
      { suite: SUITE, name, value: null, unit: "/s", goal: KAFKA_GOAL_PER_SECOND, better: "higher", note },
    ];
  }
  const kafka = await startKafka();
  try {
    const perSecond = await bareKafkaPerSecond(kafka.url, "bare", EVENTS);
    return await busFigures(SUITE, {
      name: "kafka",
      busUrl: kafka.url,
      database: (name) => postgres.url(name),
      events: EVENTS,
      goalPerSecond: KAFKA_GOAL_PER_SECOND,
      peer: { name: "bare kafkajs, neither outbox nor inbox", perSecond },
    });
  } finally {
    await kafka.stop();
  }
}
