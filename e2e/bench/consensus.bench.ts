import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { simulateHonorChain } from "../sim/src/simulated-honor-chain.js";
import { type Figure, printFigures } from "../src/figures.js";

// `npm run bench -- consensus`: every figure of consensus that has a goal, each by the suite that measures it, and the bandwidth.
const SUITES = [
  ["bls", "packages/bls/dist/bench/bls.bench.js"],
  ["ghostdag", "cores/ghostdag/dist/bench/ghostdag.bench.js"],
  ["order-latency", "e2e/dist/bench/order-latency.bench.js"],
  ["honor-network", "services/consensus/dist/bench/honor-network.bench.js"],
] as const;
const ROOT = new URL("../../../", import.meta.url);

const figures: Figure[] = [];
for (const [name, path] of SUITES) figures.push(...(await goalsOf(name, fileURLToPath(new URL(path, ROOT)))));
figures.push(bandwidth());
printFigures(figures, process.argv.includes("--json"), process.stdout);

/** Rows with a goal; one that says why where the suite did not come to its end. */
async function goalsOf(suite: string, script: string): Promise<Figure[]> {
  if (!existsSync(script)) throw new Error(`${script} is not built`);
  const child = spawn(process.execPath, ["--expose-gc", script, "--json"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const found: Figure[] = [];
  const lines = createInterface(child.stdout);
  lines.on("line", (line) => {
    if (line.startsWith("{")) found.push(JSON.parse(line) as Figure);
  });
  const [code] = (await once(child, "close")) as [number | null];
  const withGoals = found.filter(({ goal }) => goal !== undefined && goal !== null);
  if (code === 0) return withGoals;
  const note = `the suite ended with ${code ?? "a signal"}`;
  return [
    ...withGoals,
    { suite, name: `the rest of ${suite}`, value: null, unit: "", better: "lower", note },
  ];
}

function bandwidth(): Figure {
  const { receivedForEachByte, receivedBytesPerSecond } = simulateHonorChain({
    nodes: 21,
    crashed: 0,
    blocksPerSecond: 2,
    transactionsPerSecond: 10_000,
    transactionBytes: 110,
    warmUpMs: 4_000,
    runMs: 10_000,
  });
  return {
    suite: "consensus",
    name: "received by a node for each byte submitted, 21 nodes, 10,000 transactions/s",
    value: Math.round(receivedForEachByte * 100) / 100,
    unit: "×",
    goal: 3,
    better: "lower",
    note: `virtual time, ${Math.round(receivedBytesPerSecond / 1_000)} kB/s`,
  };
}
