// `npm run test:faults`: every crash point of every process alone; one of each process in every run; `kill -9` of every process in
// every state of a job; a provider that never returns. Prints each case and at the end the matrix; exit code 1 when a
// job did not finish once, or was not paid once. `-- alone`, `mixed`, `kill` or `lost` runs one part; the beginning of a
// point's or process's name (`-- mixed compute.settle`) runs only what it takes part in.
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { systemClock } from "@aios/service-kit/system-clock";
import { type CrashPoint, findCrashPoints, mixedRuns } from "./crash-points.js";
import { FaultBench, type FaultResult } from "./fault-bench.js";
import { pairsPassed, pointMatrix, problemsOf } from "./fault-matrix.js";

const PARTS = ["alone", "mixed", "kill", "lost"] as const;
const KILLED = [
  "postgres",
  "consensus",
  "storage",
  "economy",
  "zk-prover",
  "marketplace",
  "scoring",
  "compute",
  "gateway",
  "provider-1",
  "provider-2",
] as const;
const STATES = ["funding", "funded", "leased", "delivered"] as const;

const root = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));
const out = process.stdout;
const asked = process.argv.slice(2);
const askedParts = PARTS.filter((part) => asked.includes(part));
const parts = askedParts.length === 0 ? PARTS : askedParts;
const beginnings = asked.filter((name) => !askedParts.some((part) => part === name));
const isAsked = (name: string): boolean =>
  beginnings.length === 0 || beginnings.some((beginning) => name.startsWith(beginning));
const points = findCrashPoints(root);
const alone = new Map<string, boolean>();
const runs: { fired: readonly string[]; held: boolean }[] = [];
const killed = new Map<string, string>();
let passed = 0;
let failed = 0;

const bench = await FaultBench.start(systemClock);
try {
  if (parts.includes("alone")) for (const point of points) if (isAsked(point.name)) await testAlone(point);
  if (parts.includes("mixed"))
    for (const armed of mixedRuns(points))
      if (armed.some(({ name }) => isAsked(name))) await testTogether(armed);
  if (parts.includes("kill")) await testKills();
  if (parts.includes("lost")) await testLostProvider();
} finally {
  await bench.stop();
}
printMatrix();
out.write(`\n${passed} passed, ${failed} failed\n`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);

async function testAlone(point: CrashPoint): Promise<void> {
  const result = await bench.run([point]);
  alone.set(point.name, tell(point.name, result, problemsOf([point], result)));
}

async function testTogether(armed: readonly CrashPoint[]): Promise<void> {
  const result = await bench.run(armed);
  const label = armed.map((point) => point.name).join(", ");
  const held = tell(label, result, problemsOf(armed, result));
  runs.push({ fired: result.fired, held });
}

async function testKills(): Promise<void> {
  for (const process of KILLED.filter(isAsked)) {
    for (const state of STATES) {
      const label = `kill -9 of ${process} when ${state}`;
      const result = await bench.killDuring(process, state);
      const held = tell(label, result, result.violations);
      killed.set(`${process} ${state}`, result.fired.length === 0 ? "-" : held ? "+" : "F");
    }
  }
}

async function testLostProvider(): Promise<void> {
  if (!isAsked("provider")) return;
  const result = await bench.loseTheProvider();
  tell(`${result.lost} never returns`, result, result.violations);
}

function tell(label: string, { tookMs }: FaultResult, problems: readonly string[]): boolean {
  const held = problems.length === 0;
  if (held) passed += 1;
  else failed += 1;
  const verdict = held ? "held" : `FAILED: ${problems.join("; ")}`;
  out.write(`${label.padEnd(60)} ${String(tookMs).padStart(7)} ms  ${verdict}\n`);
  return held;
}

function printMatrix(): void {
  if (killed.size > 0) {
    out.write(`\nkill -9: "+" held, "F" failed, "-" the client saw the job only later\n`);
    out.write(`${"".padEnd(14)}${STATES.map((state) => state.padEnd(11)).join("")}\n`);
    for (const process of KILLED) {
      const cells = STATES.map((state) => (killed.get(`${process} ${state}`) ?? ".").padEnd(11));
      out.write(`${process.padEnd(14)}${cells.join("")}\n`);
    }
  }
  if (alone.size === 0 && runs.length === 0) return;
  out.write(`\npoint × point, the diagonal is alone: "+" held, "F" failed, "." not together\n`);
  out.write(`${pointMatrix(points, alone, runs)}\n`);
  const pairs = pairsPassed(points, runs);
  out.write(`${pairs.passed} of ${pairs.all} pairs were passed in one run\n`);
}
