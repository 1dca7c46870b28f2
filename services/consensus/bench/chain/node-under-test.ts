import { Session } from "node:inspector/promises";
import { createInterface } from "node:readline";
import { readGenesis } from "@aios/consensus/genesis-file";
import { startNode } from "@aios/consensus/start-node";
import { budgetOf } from "./budget.js";

/**
 * The node in a process of its own. Says its address, then obeys lines: `profile` starts to profile its main thread,
 * `budget` ends it and prints where the time went, as JSON.
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
for await (const line of createInterface(process.stdin)) {
  if (line === "profile") await session.post("Profiler.start");
  else if (line === "budget") {
    const { profile } = await session.post("Profiler.stop");
    process.stdout.write(`${JSON.stringify(budgetOf(profile))}\n`);
  }
}
