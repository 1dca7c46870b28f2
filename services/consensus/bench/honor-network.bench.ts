import { readFile } from "node:fs/promises";
import { cpus } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { HonorProcesses } from "../test/support/honor-processes.js";
import { genesisFiles } from "./chain/genesis.js";
import { RpcClient } from "./chain/load-generator.js";
import { makeSenders, signLoad } from "./chain/workload.js";

// `npm run bench -- honor-network`: four nodes, each a process on this machine. Order certificates under a light load, what
// an idle node costs, and native transfers through all four.
const SEATS = 4;
const SENDERS = 400;
const ACCOUNTS = 1_000;
const LIGHT_PER_SECOND = 20;
const LIGHT_SECONDS = Number(process.env["BENCH_LIGHT_SECONDS"] ?? 30);
const IDLE_SECONDS = Number(process.env["BENCH_IDLE_SECONDS"] ?? 30);
const TRANSFERS = Number(process.env["BENCH_TRANSACTIONS"] ?? 40_000);
const BATCH = SENDERS / SEATS;
const GAS_LIMIT = 400_000_000;
/** Linux counts processor time in hundredths of a second. */
const CLOCK_TICKS = 100;
const STALL_MS = 60_000;

interface Figure {
  readonly name: string;
  readonly value: number | null;
  readonly unit: string;
  readonly goal: number | null;
  readonly better: "lower" | "higher";
  readonly note?: string;
}

const isJson = process.argv.includes("--json");
const figures: Figure[] = [];
const senders = makeSenders(SENDERS);
const genesis = JSON.parse(genesisFiles(senders, ACCOUNTS, GAS_LIMIT).own) as Record<string, unknown>;
const network = await HonorProcesses.start({ seats: SEATS, genesis });
try {
  const nodes = network.nodes.map(({ url }) => new RpcClient(url));
  await measureOrder(nodes);
  await measureIdle();
  await measureTransfers(nodes);
  for (const node of nodes) node.close();
} finally {
  await network[Symbol.asyncDispose]();
}
print();

async function measureOrder(nodes: readonly RpcClient[]): Promise<void> {
  const count = LIGHT_PER_SECOND * LIGHT_SECONDS;
  const perSender = Math.ceil(count / SENDERS);
  const load = signLoad(senders, { kind: "native", perSender, firstNonce: 0, accounts: ACCOUNTS, batch: 1 });
  for (const [index, body] of load.bodies.entries()) {
    void nodes[index % nodes.length]?.post(body);
    await sleep(1_000 / LIGHT_PER_SECOND);
  }
  await included(nodes, perSender);
  const status = (await nodes[0]?.call("aios_honorStatus", [])) as {
    orderDelays: { count: number; p50Ms: number; p95Ms: number };
  };
  const { p50Ms, p95Ms, count: sampled } = status.orderDelays;
  const note = `${sampled} transactions, ${LIGHT_PER_SECOND} a second`;
  add("order certificate after inclusion, p50", p50Ms, "ms", 300, "lower", note);
  add("order certificate after inclusion, p95", p95Ms, "ms", null, "lower", note);
}

async function measureIdle(): Promise<void> {
  const before = await Promise.all(network.nodes.map(({ child }) => processorSeconds(child.pid)));
  const startedAt = performance.now();
  await sleep(IDLE_SECONDS * 1_000);
  const after = await Promise.all(network.nodes.map(({ child }) => processorSeconds(child.pid)));
  const seconds = (performance.now() - startedAt) / 1_000;
  const shares = after.map((value, index) => ((value - (before[index] ?? 0)) / seconds) * 100);
  add("an idle node's share of a core, the most of four", Math.max(...shares), "%", 5, "lower");
  const memory = await Promise.all(network.nodes.map(({ child }) => residentMiB(child.pid)));
  add("resident memory of an idle node, the most of four", Math.max(...memory), "MiB", null, "lower");
}

async function measureTransfers(nodes: readonly RpcClient[]): Promise<void> {
  const firstNonce = Math.ceil((LIGHT_PER_SECOND * LIGHT_SECONDS) / SENDERS);
  const perSender = Math.ceil(TRANSFERS / SENDERS);
  const load = signLoad(senders, { kind: "native", perSender, firstNonce, accounts: ACCOUNTS, batch: BATCH });
  const before = await Promise.all(network.nodes.map(({ child }) => processorSeconds(child.pid)));
  const startedAt = performance.now();
  // Four batches are a round of all senders, so that each sender's transfers go through one node.
  const lanes = nodes.map((node, lane) => ({
    node,
    bodies: load.bodies.filter((_, index) => index % nodes.length === lane),
  }));
  await Promise.all(
    lanes.map(async ({ node, bodies }) => {
      for (const body of bodies) await postUntilTaken(node, body);
    }),
  );
  await included(nodes, firstNonce + perSender);
  const seconds = (performance.now() - startedAt) / 1_000;
  const after = await Promise.all(network.nodes.map(({ child }) => processorSeconds(child.pid)));
  const spent = after.reduce((sum, value, index) => sum + value - (before[index] ?? 0), 0);
  const note = `${load.count} in ${seconds.toFixed(1)} s; the nodes had ${((spent / seconds) * 100).toFixed(0)}% of a core together, of ${cpus().length}`;
  add("native transfers through four nodes", load.count / seconds, "/s", 4_000, "higher", note);
  add("processor time of all four for a transfer", (spent / load.count) * 1e6, "µs", null, "lower");
}

/** A full pool says so; what it refused is sent again. */
async function postUntilTaken(node: RpcClient, body: string): Promise<void> {
  let rest = JSON.parse(body) as { id: number }[];
  while (rest.length > 0) {
    const answers = JSON.parse(await node.post(JSON.stringify(rest))) as {
      id: number;
      error?: { message: string };
    }[];
    const refused = new Set(
      answers
        .filter(({ error }) => error !== undefined && !/already known|nonce too low/.test(error.message))
        .map(({ id }) => id),
    );
    rest = rest.filter(({ id }) => refused.has(id));
    if (rest.length > 0) await sleep(100);
  }
}

/** Until every node has executed every sender's transfers up to this nonce. */
async function included(nodes: readonly RpcClient[], nonce: number): Promise<void> {
  let last = "";
  let since = performance.now();
  for (const node of nodes)
    for (const sender of senders)
      for (;;) {
        const now = String(await node.call("eth_getTransactionCount", [sender.address, "latest"]));
        if (Number(now) >= nonce) break;
        if (now !== last) {
          last = now;
          since = performance.now();
        }
        if (performance.now() - since > STALL_MS)
          throw new Error(`stuck at nonce ${Number(now)} of ${nonce}`);
        await sleep(20);
      }
}

async function processorSeconds(pid: number | undefined): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, "utf8");
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS;
}

async function residentMiB(pid: number | undefined): Promise<number> {
  const match = /VmRSS:\s+(\d+) kB/.exec(await readFile(`/proc/${pid}/status`, "utf8"));
  return Number(match?.[1] ?? 0) / 1_024;
}

function add(
  name: string,
  value: number,
  unit: string,
  goal: number | null,
  better: Figure["better"],
  note?: string,
): void {
  figures.push({ name, value, unit, goal, better, ...(note === undefined ? {} : { note }) });
}

function print(): void {
  for (const figure of figures) {
    const { name, value, unit, goal, note } = figure;
    if (isJson) console.log(JSON.stringify({ suite: "honor-network", ...figure }));
    else
      console.log(
        `${name.padEnd(52)} ${value?.toFixed(1)} ${unit}${goal === null ? "" : ` (goal ${goal})`}${note === undefined ? "" : `; ${note}`}`,
      );
  }
}
