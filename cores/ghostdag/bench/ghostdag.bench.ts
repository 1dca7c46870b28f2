import { Ghostdag } from "../src/ghostdag.js";

const SUITE = "ghostdag";
const json = process.argv.includes("--json");
const WIDTH = 3;
const SAMPLE = 10_000;
const HISTORIES = [1_000, 10_000, 100_000, 1_000_000];

/**
 * Insert time as history grows: rounds of three parallel blocks, each of which names all three of the round before
 * (a group of three on duty), every seventh round with one block that missed the last round.
 */
const dag = new Ghostdag(
  { k: 3, maxParents: 16, maxMergeset: 128, mergeDepth: 3_600, pruningDepth: 100_000_000 },
  id(0),
);
let made = 0;
let round: string[] = [id(0)];
let before: string[] = round;
let times: number[] = [];

for (const history of HISTORIES) {
  while (made < history) insertRound();
  globalThis.gc?.();
  times = [];
  while (times.length < SAMPLE) insertRound();
  times.sort((a, b) => a - b);
  report(`insert at ${history} blocks, p50`, quantile(0.5), undefined);
  report(`insert at ${history} blocks, p99`, quantile(0.99), history === 1_000_000 ? 100 : undefined);
  report(`insert at ${history} blocks, p99.9`, quantile(0.999), undefined);
  report(`insert at ${history} blocks, longest`, quantile(1), undefined);
}
const { relabels, insertions } = dag.reindexingCost;
print(
  "interval ends moved for each block",
  Math.round((relabels / insertions) * 100) / 100,
  "ends",
  undefined,
);
print("resident memory at the end", Math.round(process.memoryUsage().rss / 2 ** 20), "MiB", undefined);

function insertRound(): void {
  const next: string[] = [];
  for (let i = 0; i < WIDTH; i++) {
    made += 1;
    const parents = made % 21 === 0 ? before : round;
    const block = id(made);
    const started = performance.now();
    dag.insert(block, parents);
    times.push((performance.now() - started) * 1_000);
    next.push(block);
  }
  before = round;
  round = next;
}

function id(index: number): string {
  return (Math.imul(index, 0x9e3779b1) >>> 0).toString(16).padStart(64, "0");
}

function quantile(q: number): number {
  return times[Math.min(times.length - 1, Math.floor(times.length * q))] ?? Number.NaN;
}

function report(name: string, value: number, goal: number | undefined): void {
  print(name, Math.round(value * 10) / 10, "µs", goal);
}

function print(name: string, value: number, unit: string, goal: number | undefined): void {
  if (json)
    console.log(JSON.stringify({ suite: SUITE, name, value, unit, goal: goal ?? null, better: "lower" }));
  else
    console.log(
      `${name.padEnd(44)} ${String(value).padStart(10)} ${unit}${goal === undefined ? "" : `   goal ${goal}`}`,
    );
}
