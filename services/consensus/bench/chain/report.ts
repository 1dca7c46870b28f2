import { availableParallelism } from "node:os";
import type { Heavy } from "./contract-gas.js";
import type { Measured, Measurements } from "./measure.js";
import type { Kind } from "./workload.js";

const NAMES: Readonly<Record<Kind, string>> = {
  native: "native transfers",
  erc20: "ERC-20 transfers",
  swap: "Uniswap-v2-like swaps",
  mint: "ERC-721 mints",
};
const GOALS: Readonly<Record<Kind, number | null>> = {
  native: 20_000,
  erc20: 12_000,
  swap: null,
  mint: null,
};

export interface Report {
  readonly own: Measurements;
  readonly peers: Readonly<Record<"anvil" | "hardhat", Measurements | string>>;
  /** Megagas a second of `@ethereumjs/evm` in a process; nothing where the peers were left out. */
  readonly ethereumjs: ReadonlyMap<Heavy, number>;
  readonly memoryMiB: number | null;
  readonly startMs: number;
  readonly restartMs: number;
  readonly note: string;
}

interface Figure {
  readonly name: string;
  readonly value: number | null;
  readonly unit: string;
  readonly goal: number | null;
  readonly better: "higher" | "lower";
  readonly anvil: number | null;
  readonly hardhat: number | null;
  readonly ethereumjs: number | null;
}

const HEAVY: readonly Heavy[] = ["arithmetic", "keccak"];
/** Over what `@ethereumjs/evm` does. */
const GAS_GOAL = 10;

/** Microseconds of processor time of the node's process for one transaction. */
function processorMicros({ result }: Measured): number | null {
  if (result.processorMs === null || result.receipts === 0) return null;
  return (result.processorMs * 1_000) / result.receipts;
}

function figuresOf({ own, peers, ethereumjs, memoryMiB, restartMs, startMs }: Report): Figure[] {
  const of = (
    peer: Measurements | string,
    read: (measurements: Measurements) => number | null | undefined,
  ): number | null => (typeof peer === "string" ? null : (read(peer) ?? null));
  const figure = (
    head: Pick<Figure, "name" | "unit" | "better"> & Partial<Pick<Figure, "goal" | "ethereumjs">>,
    read: (measurements: Measurements) => number | null | undefined,
  ): Figure => ({
    goal: null,
    ethereumjs: null,
    ...head,
    value: of(own, read),
    anvil: of(peers.anvil, read),
    hardhat: of(peers.hardhat, read),
  });
  const alone = (name: string, value: number | null, unit: string, goal: number | null): Figure => ({
    ...{ name, value, unit, goal, better: "lower", anvil: null, hardhat: null, ethereumjs: null },
  });
  return [
    ...[...own.byKind.keys()].flatMap((kind) => [
      figure(
        { name: NAMES[kind], unit: "tx/s", goal: GOALS[kind], better: "higher" },
        (each) => each.byKind.get(kind)?.result.perSecond,
      ),
      figure({ name: `${NAMES[kind]}, processor time`, unit: "µs/tx", better: "lower" }, (each) => {
        const measured = each.byKind.get(kind);
        return measured === undefined ? null : processorMicros(measured);
      }),
    ]),
    figure(
      { name: "eth_call under half that load, p50", unit: "ms", goal: 2, better: "lower" },
      (each) => each.calls.p50Ms,
    ),
    figure(
      { name: "eth_call under half that load, p99", unit: "ms", goal: 20, better: "lower" },
      (each) => each.calls.p99Ms,
    ),
    ...HEAVY.map((kind) => {
      const peer = ethereumjs.get(kind) ?? null;
      const goal = peer === null ? null : GAS_GOAL * peer;
      return figure(
        { name: `${kind}-heavy contract`, unit: "Mgas/s", goal, better: "higher", ethereumjs: peer },
        (each) => each.gas?.get(kind),
      );
    }),
    alone("resident memory after the load", memoryMiB, "MiB", 2_048),
    alone("first start, genesis written", startMs, "ms", null),
    alone("restart to serving", restartMs, "ms", 5_000),
  ];
}

/** Prints every figure, where the time went, and the limit that holds next; with `--json`, a line for each figure. */
export function print(report: Report): void {
  const missing = Object.entries(report.peers)
    .filter(([, measured]) => typeof measured === "string")
    .map(([name, why]) => `; ${name}: ${String(why)}`);
  const note = report.note + missing.join("");
  const figures = figuresOf(report);
  if (process.argv.includes("--json")) {
    for (const { anvil, hardhat, ethereumjs, ...figure } of figures) {
      const others = { peerValue: anvil, hardhat, ethereumjs };
      console.log(JSON.stringify({ suite: "chain", peer: "anvil 1.7.1", note, ...figure, ...others }));
    }
    return;
  }
  const rounded = (value: number | null): string =>
    value === null ? "–" : value < 100 ? value.toFixed(1) : String(Math.round(value));
  console.table(
    figures.map(({ value, goal, anvil, hardhat, ethereumjs, ...figure }) => ({
      ...figure,
      value: rounded(value),
      goal: rounded(goal),
      anvil: rounded(anvil),
      hardhat: rounded(hardhat),
      ethereumjs: rounded(ethereumjs),
    })),
  );
  for (const [kind, measured] of report.own.byKind) {
    printBudget(NAMES[kind], measured);
    console.log(nextLimit(measured));
  }
  console.log(note);
}

/** Microseconds of wall time of the node's main thread for one transaction, by part. */
function printBudget(name: string, { result, mainThread, generatorMs }: Measured): void {
  if (mainThread === undefined) return;
  const { receipts, refused, blocks, seconds } = result;
  const perTransaction = (ms: number): number => Math.round((ms * 10_000) / Math.max(1, receipts)) / 10;
  console.log(
    `${name}: ${receipts} receipts of success in ${seconds.toFixed(1)} s and ${blocks} blocks, ${refused} refused`,
  );
  console.table({
    "µs per transaction": {
      ...Object.fromEntries(
        Object.entries(mainThread.budget).map(([part, ms]) => [part, perTransaction(ms)]),
      ),
      "load generator": perTransaction(generatorMs),
    },
  });
}

/** Which bound is nearer: the processors, which node and load generator share, or the node's main thread. */
function nextLimit(measured: Measured): string {
  const { result, mainThread, generatorMs } = measured;
  const node = processorMicros(measured);
  if (node === null || mainThread === undefined)
    return "the platform does not say what processor time was used";
  const perTransaction = (ms: number): number => (ms * 1_000) / Math.max(1, result.receipts);
  const generator = perTransaction(generatorMs);
  const main = perTransaction(mainThread.processorMs);
  const cores = availableParallelism();
  const byProcessors = (cores * 1e6) / (node + generator);
  const byMainThread = 1e6 / main;
  const [limit, most] =
    byProcessors < byMainThread
      ? [`the ${cores} processors, for all threads and the load generator`, byProcessors]
      : ["the node's main thread", byMainThread];
  return `the limit that holds next: ${limit}, at ${Math.round(most)} a second (processor time for each: node ${Math.round(node)} µs, of it main thread ${Math.round(main)} µs; load generator ${Math.round(generator)} µs)`;
}
