import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Budget } from "./chain/budget.js";
import { genesisFiles } from "./chain/genesis.js";
import { callsUnderLoad, type Latencies, type LoadResult, runLoad } from "./chain/load-generator.js";
import { type Running, startAnvil, startOwnNode } from "./chain/peers.js";
import { balanceCall, type Kind, makeSenders, type SignedLoad, signLoad } from "./chain/workload.js";

const setting = (name: string, fallback: number): number => Number(process.env[name] ?? fallback);
const ACCOUNTS = setting("BENCH_ACCOUNTS", 20_000);
const SENDERS = setting("BENCH_SENDERS", 500);
/** Transactions of one measurement; 60 s of load at the goal are 1,200,000. */
const TRANSACTIONS = setting("BENCH_TRANSACTIONS", 20_000);
const WARM_UP = setting("BENCH_WARM_UP", 4_000);
const BATCH = 500;
const SMALL_BATCH = 50;
const BLOCK_GAS = 1_000_000_000;
const INTERVAL_MS = 200;
const MAX_OUTSTANDING = 20_000;
const GOALS: Readonly<Record<Kind, number>> = { native: 20_000, erc20: 12_000 };

const senders = makeSenders(SENDERS);
const perSender = Math.max(1, Math.floor(TRANSACTIONS / SENDERS));
const warmPerSender = Math.max(1, Math.floor(WARM_UP / SENDERS));

interface Loads {
  readonly kind: Kind;
  readonly warmUp: SignedLoad;
  readonly measured: SignedLoad;
}

// Both are signed before anything starts; the nonces of the second kind follow those of the first.
const kinds: readonly Kind[] = ["native", "erc20"];
const loads: readonly Loads[] = kinds.map((kind, index) => {
  const firstNonce = index * (perSender + warmPerSender);
  const common = { kind, accounts: ACCOUNTS, batch: BATCH };
  return {
    kind,
    warmUp: signLoad(senders, { ...common, perSender: warmPerSender, firstNonce }),
    measured: signLoad(senders, { ...common, perSender, firstNonce: firstNonce + warmPerSender }),
  };
});

/** What is sent while calls are asked. */
const background = signLoad(senders, {
  kind: "native",
  accounts: ACCOUNTS,
  batch: SMALL_BATCH,
  perSender: Math.max(1, Math.floor(perSender / 2)),
  firstNonce: kinds.length * (perSender + warmPerSender),
});
const question = balanceCall(senders[0]?.address ?? "");

interface Measured {
  readonly result: LoadResult;
  readonly budget?: Budget;
  /** Processor time of this process during the measurement. */
  readonly generatorMs: number;
}

interface Measurements {
  readonly byKind: ReadonlyMap<Kind, Measured>;
  readonly calls: Latencies;
}

async function measure(
  { url, processorMs }: Running,
  load: Loads,
  profile?: { start(): void; end(): Promise<Budget> },
): Promise<Measured> {
  await runLoad(url, load.warmUp, MAX_OUTSTANDING);
  profile?.start();
  const before = process.cpuUsage();
  const result = await runLoad(url, load.measured, MAX_OUTSTANDING, processorMs);
  const used = process.cpuUsage(before);
  const budget = await profile?.end();
  return {
    result,
    generatorMs: (used.user + used.system) / 1_000,
    ...(budget === undefined ? {} : { budget }),
  };
}

async function measureAll(
  running: Running,
  profile?: { start(): void; end(): Promise<Budget> },
): Promise<Measurements> {
  const byKind = new Map<Kind, Measured>();
  for (const load of loads) byKind.set(load.kind, await measure(running, load, profile));
  const half = (byKind.get("native")?.result.perSecond ?? 0) / 2;
  return { byKind, calls: await callsUnderLoad(running.url, background, half, question) };
}

const directory = await mkdtemp(join(tmpdir(), "aios-bench-chain-"));
try {
  const files = genesisFiles(senders, ACCOUNTS, BLOCK_GAS);
  const ownGenesis = join(directory, "genesis.json");
  const gethGenesis = join(directory, "geth-genesis.json");
  await writeFile(ownGenesis, files.own);
  await writeFile(gethGenesis, files.geth);

  const startedAt = performance.now();
  const node = await startOwnNode(ownGenesis, join(directory, "data"), { minIntervalMs: INTERVAL_MS });
  const startMs = performance.now() - startedAt;
  let own: Measurements;
  let memoryMiB: number | null;
  try {
    own = await measureAll(node, { start: () => node.startProfile(), end: () => node.budget() });
    memoryMiB = await node.residentMiB();
  } finally {
    await node.stop();
  }
  const restartedAt = performance.now();
  const again = await startOwnNode(ownGenesis, join(directory, "data"), { minIntervalMs: INTERVAL_MS });
  const restartMs = performance.now() - restartedAt;
  await again.stop();

  let peer: Measurements | string;
  try {
    const anvil = await startAnvil(gethGenesis, BLOCK_GAS, INTERVAL_MS);
    try {
      peer = await measureAll(anvil);
    } finally {
      await anvil.stop();
    }
  } catch (error) {
    peer = error instanceof Error ? error.message : String(error);
  }
  report(own, peer, { memoryMiB, restartMs, startMs });
} finally {
  await rm(directory, { recursive: true, force: true });
}

function report(
  own: Measurements,
  peer: Measurements | string,
  rest: { readonly memoryMiB: number | null; readonly restartMs: number; readonly startMs: number },
): void {
  const peerOf = (kind: Kind): number | null =>
    typeof peer === "string" ? null : (peer.byKind.get(kind)?.result.perSecond ?? null);
  const peerCalls = typeof peer === "string" ? undefined : peer.calls;
  const name: Readonly<Record<Kind, string>> = { native: "native transfers", erc20: "ERC-20 transfers" };
  const figures = [
    ...kinds.map((kind) => ({
      name: name[kind],
      value: own.byKind.get(kind)?.result.perSecond ?? null,
      unit: "tx/s",
      goal: GOALS[kind],
      better: "higher",
      peerValue: peerOf(kind),
    })),
    {
      name: "eth_call under half that load, p50",
      value: own.calls.p50Ms,
      unit: "ms",
      goal: 2,
      better: "lower",
      peerValue: peerCalls?.p50Ms ?? null,
    },
    {
      name: "eth_call under half that load, p99",
      value: own.calls.p99Ms,
      unit: "ms",
      goal: 20,
      better: "lower",
      peerValue: peerCalls?.p99Ms ?? null,
    },
    {
      name: "resident memory after the load",
      value: rest.memoryMiB,
      unit: "MiB",
      goal: 2_048,
      better: "lower",
      peerValue: null,
    },
    {
      name: "restart to serving",
      value: rest.restartMs,
      unit: "ms",
      goal: 5_000,
      better: "lower",
      peerValue: null,
    },
  ];
  const note = `${ACCOUNTS} accounts, ${SENDERS} senders, ${perSender * SENDERS} transactions of a kind in batches of ${BATCH}; node, anvil and load generator share the machine${typeof peer === "string" ? `; anvil: ${peer}` : ""}`;
  if (process.argv.includes("--json")) {
    for (const figure of figures)
      console.log(JSON.stringify({ suite: "chain", peer: "anvil 1.7.1", note, ...figure }));
    return;
  }
  const rounded = (value: number | null): string =>
    value === null ? "–" : value < 100 ? value.toFixed(1) : String(Math.round(value));
  console.table(
    figures.map(({ peerValue, value, ...figure }) => ({
      ...figure,
      value: rounded(value),
      anvil: rounded(peerValue),
    })),
  );
  for (const kind of kinds) printBudget(name[kind], own.byKind.get(kind));
  console.log(note);
}

/** Microseconds of processor time for one transaction, by part. */
function printBudget(name: string, measured: Measured | undefined): void {
  if (measured?.budget === undefined) return;
  const { receipts, refused, blocks, seconds } = measured.result;
  const perTransaction = (ms: number): number => Math.round((ms * 10_000) / Math.max(1, receipts)) / 10;
  console.log(
    `${name}: ${receipts} receipts of success in ${seconds.toFixed(1)} s and ${blocks} blocks, ${refused} refused`,
  );
  console.table({
    "µs per transaction": {
      ...Object.fromEntries(Object.entries(measured.budget).map(([part, ms]) => [part, perTransaction(ms)])),
      "load generator": perTransaction(measured.generatorMs),
    },
  });
}
