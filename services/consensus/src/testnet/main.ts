#!/usr/bin/env node
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { groupCount, isSetSize } from "@aios/core-committee/honor-set";
import { smallestSafeK } from "@aios/core-ghostdag/anticone-bound";
import { aios } from "@aios/kernel/units";
import { freePort } from "@aios/service-kit/free-port";
import { systemClock } from "@aios/service-kit/system-clock";
import { makeHonorNetwork } from "./honor-network.js";
import { LinkProxy } from "./link-proxy.js";

const USAGE = `npm run testnet -- [--nodes 4] [--latency-ms 0]

Starts a network of honor nodes on this machine, each a process with keys and a chain of its own, and prints where they answer
JSON-RPC. Each node has deposited 10,000 AIOS, and others may stand for its seat. The accounts of "test test test test test test test test test test test junk" are funded. Ctrl-C ends it and
removes what it wrote.

  --nodes       nodes, each with a seat: 4, or a multiple of three from 6 up
  --latency-ms  delay of everything that one node sends to another
`;
const RUN_NODE = fileURLToPath(new URL("../run-node.js", import.meta.url));
const GENESIS = fileURLToPath(new URL("../../../genesis/development.json", import.meta.url));
/** The first of the funded accounts. */
const PAYER = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266";
const MAX_LATENCY_MS = 10_000;
const TICK_MS = 1_500;
/** On top of the latency, until a block is checked everywhere. */
const PROCESSING_MS = 100;

interface Choice {
  readonly nodes: number;
  readonly latencyMs: number;
}

class Usage extends Error {}

function choice(argv: readonly string[]): Choice {
  const text = { type: "string" } as const;
  let given: { nodes?: string; "latency-ms"?: string };
  try {
    given = parseArgs({ args: [...argv], options: { nodes: text, "latency-ms": text } }).values;
  } catch (error) {
    throw new Usage(error instanceof Error ? error.message : String(error));
  }
  const nodes = Number(given.nodes ?? 4);
  const latencyMs = Number(given["latency-ms"] ?? 0);
  if (!isSetSize(nodes)) throw new Usage("--nodes is 4, or a multiple of three from 6 up.");
  if (!Number.isInteger(latencyMs) || latencyMs < 0 || latencyMs > MAX_LATENCY_MS)
    throw new Usage(`--latency-ms is a whole number from 0 to ${MAX_LATENCY_MS}.`);
  return { nodes, latencyMs };
}

/** A proxy for each pair, in the way of the node that dials. */
async function slowLinks(peerPorts: readonly number[], latencyMs: number): Promise<Map<string, number>> {
  const ports = new Map<string, number>();
  if (latencyMs === 0) return ports;
  for (const from of peerPorts.keys())
    for (const [to, peerPort] of peerPorts.entries())
      if (from !== to)
        ports.set(`${from}-${to}`, await new LinkProxy(systemClock, latencyMs).start(peerPort));
  return ports;
}

async function start({ nodes, latencyMs }: Choice, directory: string): Promise<ChildProcess[]> {
  const places = await Promise.all(
    Array.from({ length: nodes }, async () => ({ rpcPort: await freePort(), peerPort: await freePort() })),
  );
  const links = await slowLinks(
    places.map(({ peerPort }) => peerPort),
    latencyMs,
  );
  const maxDelayMs = latencyMs + PROCESSING_MS;
  const blocksPerSecond = (nodes / groupCount(nodes) / TICK_MS) * 1_000;
  const homes = await makeHonorNetwork({
    directory,
    seats: nodes,
    places,
    genesis: JSON.parse(await readFile(GENESIS, "utf8")) as Record<string, unknown>,
    genesisTimeMs: systemClock.now(),
    tickMs: TICK_MS,
    maxDelayMs,
    k: smallestSafeK({ blocksPerSecond, maxDelayMs, maxExcessProbability: 0.01 }),
    staking: { paidBy: PAYER, operatorWei: aios(100) },
    portBetween: (from, to) => links.get(`${from}-${to}`) ?? places[to]?.peerPort ?? 0,
  });
  return homes.map((home) =>
    spawn(process.execPath, [RUN_NODE, home], { stdio: ["ignore", "pipe", "inherit"] }),
  );
}

async function run(argv: readonly string[]): Promise<void> {
  const chosen = choice(argv);
  const directory = await mkdtemp(join(tmpdir(), "aios-testnet-"));
  const children = await start(chosen, directory);
  const ends = children.map((child) => once(child, "exit"));
  const stop = (): void => {
    for (const child of children) child.kill("SIGTERM");
  };
  process.once("SIGINT", stop);
  process.once("SIGTERM", stop);
  for (const [index, child] of children.entries()) {
    if (child.stdout === null) continue;
    createInterface(child.stdout).on("line", (line) => process.stdout.write(`node ${index}: ${line}\n`));
  }
  // One that ends by itself leaves the others running: a network goes on without a third of its nodes.
  await Promise.all(ends);
  await rm(directory, { recursive: true, force: true });
  process.exit();
}

try {
  await run(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof Usage)) throw error;
  process.stderr.write(`${error.message}\n\n${USAGE}`);
  process.exitCode = 2;
}
