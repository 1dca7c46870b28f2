// Kafka and Redis beside a cluster, as an operator brings them: `node outside-servers.js HOST FILE` starts both at their
// usual ports, writes their URLs to FILE as JSON once they answer, and stops them when it is told to end.
import { randomBytes } from "node:crypto";
import { renameSync, writeFileSync } from "node:fs";
import { startKafka } from "@aios/testkit/kafka";
import { startRedis } from "@aios/testkit/redis";

const [host, file] = process.argv.slice(2);
if (host === undefined || file === undefined) throw new Error("Usage: outside-servers.js HOST FILE");

const told = new Promise<void>((resolve) => {
  process.once("SIGTERM", resolve);
  process.once("SIGINT", resolve);
});
const redis = await startRedis({ host, port: 6_379, password: randomBytes(16).toString("hex") });
const kafka = await startKafka({ host, port: 9_092 });
writeFileSync(`${file}.part`, JSON.stringify({ kafka: kafka.url, redis: redis.url }), { mode: 0o600 });
renameSync(`${file}.part`, file);
// The servers are children, and nothing else keeps this process.
const alive = setInterval(() => undefined, 60_000);
await told;
clearInterval(alive);
await kafka.stop();
await redis.stop();
