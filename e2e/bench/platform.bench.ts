// `npm run bench -- platform`: event bus, gateway and gRPC on this machine, each beside what it is built on. `bus` or
// `gateway` after the suite runs that part alone; BENCH_EVENTS is how many events go through each bus, BENCH_PER_SECOND the
// pace at which their delay is measured, in place of half of what went through.
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startEmbeddedPostgres, wipeEmbeddedPostgres } from "@aios/service-kit/embedded-postgres";
import { kafkaIsAvailable, startKafka } from "@aios/testkit/kafka";
import { type Figure, printFigures } from "../src/figures.js";
import { bareKafka } from "./platform/bare-kafka.js";
import { busFigures, PACED_SECONDS } from "./platform/bus-figures.js";
import { PER_TRANSACTION } from "./platform/bus-protocol.js";
import { gatewayFigures } from "./platform/gateway-figures.js";

const SUITE = "platform";
const EVENTS = Number(process.env["BENCH_EVENTS"] ?? 20_000);
const pace = process.env["BENCH_PER_SECOND"];
const PACE_PER_SECOND = pace === undefined ? undefined : Number(pace);
const KAFKA_GOAL_PER_SECOND = 5_000;
const EMBEDDED_GOAL_PER_SECOND = 3_000;
const IMAGE_GOAL_MIB = 250;

const asked = (part: "bus" | "gateway"): boolean =>
  process.argv.includes(part) || !["bus", "gateway"].some((name) => process.argv.includes(name));
const show = (figures: readonly Figure[]): void =>
  printFigures(figures, process.argv.includes("--json"), process.stdout);
if (asked("bus")) show(await onBothBuses());
if (asked("gateway")) show(await gatewayFigures(SUITE));
show(imageSizes());

async function onBothBuses(): Promise<Figure[]> {
  const dataDir = mkdtempSync(join(tmpdir(), "aios-bench-platform-"));
  const postgres = await startEmbeddedPostgres({ dataDir, port: 0, maxConnections: 100 });
  const database = (name: string): string => postgres.url(name);
  try {
    const embedded = await busFigures(SUITE, {
      name: "embedded",
      busUrl: postgres.url("bench_events"),
      database,
      events: EVENTS,
      goalPerSecond: EMBEDDED_GOAL_PER_SECOND,
      pacePerSecond: PACE_PER_SECOND,
    });
    return [...embedded, ...(await onKafka(database))];
  } finally {
    await postgres.stop();
    wipeEmbeddedPostgres(dataDir);
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function onKafka(database: (name: string) => string): Promise<Figure[]> {
  if (!kafkaIsAvailable()) {
    const name = "kafka: events a second, outbox to inbox, 1 KiB";
    const note = "Java, or Kafka's jars and Maven, are missing";
    return [
      { suite: SUITE, name, value: null, unit: "/s", goal: KAFKA_GOAL_PER_SECOND, better: "higher", note },
    ];
  }
  const kafka = await startKafka();
  try {
    const bare = await bareKafka(kafka.url, "bare", EVENTS);
    return await busFigures(SUITE, {
      name: "kafka",
      busUrl: kafka.url,
      database,
      events: EVENTS,
      goalPerSecond: KAFKA_GOAL_PER_SECOND,
      pacePerSecond: PACE_PER_SECOND,
      peer: {
        name: `bare kafkajs, neither outbox nor inbox, ${bare.cpuMs.toFixed(2)} ms of processor time an event`,
        perSecond: bare.perSecond,
        delaysMs: async (perSecond) => {
          const messages = Math.ceil((perSecond * PACED_SECONDS) / PER_TRANSACTION) * PER_TRANSACTION;
          return (await bareKafka(kafka.url, "bare-paced", messages, perSecond)).delaysMs;
        },
      },
    });
  } finally {
    await kafka.stop();
  }
}

/** Of the images that `npm run images` wrote. */
function imageSizes(): Figure[] {
  const folder = fileURLToPath(new URL("../../../.aios/images", import.meta.url));
  const images = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".tar")) : [];
  const common = { suite: SUITE, unit: "MiB", goal: IMAGE_GOAL_MIB, better: "lower" } as const;
  if (images.length === 0)
    return [{ ...common, name: "images", value: null, note: "`npm run images` makes them" }];
  return images.map((name) => ({
    ...common,
    name: `image ${name.replace(/\.tar$/, "")}`,
    value: statSync(join(folder, name)).size / 1024 ** 2,
  }));
}
