import { Session } from "node:inspector/promises";
import { createInterface } from "node:readline";
import { readGenesis } from "@aios/consensus/genesis-file";
import { startNode } from "@aios/consensus/start-node";
import { budgetOf, type MainThread } from "./budget.js";

/**
 * The node in a process of its own. Says its address, then obeys lines: `profile` starts to profile its main thread,
 * `budget` ends it and prints where the time went, as JSON. It ends with its standard input, so that it never outlives
 * whoever measures it.
 */
const [genesisFile, dataDir, settings] = process.argv.slice(2) as [string, string, string];
const node = await startNode({
  genesis: await readGenesis(genesisFile),
  dataDir,
  port: 0,
  settings: JSON.parse(settings),
  producerObserver: {
    produced: () => undefined,
    failed: (error) => process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`),
  },
});
process.stdout.write(`${node.url}\n`);

const session = new Session();
session.connect();
await session.post("Profiler.enable");
let before = process.threadCpuUsage();
for await (const line of createInterface(process.stdin)) {
  if (line === "profile") {
    await session.post("Profiler.start");
    before = process.threadCpuUsage();
  } else if (line === "budget") {
    const { user, system } = process.threadCpuUsage(before);
    const { profile } = await session.post("Profiler.stop");
    const answer: MainThread = { budget: budgetOf(profile), processorMs: (user + system) / 1_000 };
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
}
session.disconnect();
await node.stop();
