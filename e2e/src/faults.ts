// `npm run test:faults`: every crash point of every process alone; one of each process in every run; `kill -9` of every process in
// every state of a job; a provider that never returns; and, where Kafka, Redis and PostgreSQL are installed, what happens
// to these and to a service that hears and says nothing for a minute. Prints each case and at the end the matrix; exit code
// 1 when a job did not finish once, or was not paid once. `-- alone`, `mixed`, `kill`, `lost` or `backends` runs one part;
// the beginning of a point's or process's name (`-- mixed compute.settle`) runs only what it takes part in.
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { SERVICES } from "@aios/service-kit/local-instance";
import { systemClock } from "@aios/service-kit/system-clock";
import { BACKEND_FAULTS, BackendFaultBench, partitionOf } from "./backend-faults.js";
import { type CrashPoint, findCrashPoints, mixedRuns } from "./crash-points.js";
import { FaultBench } from "./fault-bench.js";
import { pairsPassed, pointMatrix, problemsOf } from "./fault-matrix.js";
import { OutsideBackends } from "./outside-backends.js";

const PARTS = ["alone", "mixed", "kill", "lost", "backends"] as const;
const PARTITION_MS = 60_000;
const KILLED = ["postgres", ...SERVICES, "provider-1", "provider-2"];
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

if (parts.some((part) => part !== "backends")) await testOnEmbeddedBackends();
if (parts.includes("backends")) await testBackends();
printMatrix();
out.write(`\n${passed} passed, ${failed} failed\n`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);

async function testOnEmbeddedBackends(): Promise<void> {
  const bench = await FaultBench.start(systemClock);
  try {
    if (parts.includes("alone"))
      for (const point of points) if (isAsked(point.name)) await testAlone(bench, point);
    if (parts.includes("mixed"))
      for (const armed of mixedRuns(points))
        if (armed.some(({ name }) => isAsked(name))) await testTogether(bench, armed);
    if (parts.includes("kill")) await testKills(bench);
    if (parts.includes("lost")) await testLostProvider(bench);
  } finally {
    await bench.stop();
  }
}

async function testBackends(): Promise<void> {
  if (!OutsideBackends.areAvailable()) {
    out.write("skipped: Java with Kafka's jars or Maven, redis-server or postgresql are missing\n");
    return;
  }
  const bench = await BackendFaultBench.start(systemClock);
  try {
    const partitions = SERVICES.filter(isAsked).map((service) => partitionOf(service, PARTITION_MS));
    for (const fault of [...BACKEND_FAULTS, ...partitions]) {
      const result = await bench.run(fault);
      tell(`${fault.name} (${result.refusals} told to come back)`, result, result.violations);
    }
    const restored = await bench.restoreOlderDatabases(systemClock);
    tell("databases restored that are older than chain and events", restored, restored.violations);
  } finally {
    await bench.stop();
  }
}

async function testAlone(bench: FaultBench, point: CrashPoint): Promise<void> {
  const result = await bench.run([point]);
  alone.set(point.name, tell(point.name, result, problemsOf([point], result)));
}

async function testTogether(bench: FaultBench, armed: readonly CrashPoint[]): Promise<void> {
  const result = await bench.run(armed);
  const label = armed.map((point) => point.name).join(", ");
  const held = tell(label, result, problemsOf(armed, result));
  runs.push({ fired: result.fired, held });
}

async function testKills(bench: FaultBench): Promise<void> {
  for (const process of KILLED.filter(isAsked)) {
    for (const state of STATES) {
      const label = `kill -9 of ${process} when ${state}`;
      const result = await bench.killDuring(process, state);
      const wasKilled = result.fired.length > 0;
      if (!wasKilled && result.violations.length === 0) {
        out.write(`${label.padEnd(60)} not killed: the state had passed\n`);
        continue;
      }
      const held = tell(label, result, result.violations);
      killed.set(`${process} ${state}`, held ? "+" : "F");
    }
  }
}

async function testLostProvider(bench: FaultBench): Promise<void> {
  if (!isAsked("provider")) return;
  const result = await bench.loseTheProvider();
  tell(`${result.lost} never returns`, result, result.violations);
}

function tell(label: string, { tookMs }: { readonly tookMs: number }, problems: readonly string[]): boolean {
  const held = problems.length === 0;
  if (held) passed += 1;
  else failed += 1;
  const verdict = held ? "held" : `FAILED: ${problems.join("; ")}`;
  out.write(`${label.padEnd(60)} ${String(tookMs).padStart(7)} ms  ${verdict}\n`);
  return held;
}

function printMatrix(): void {
  if (killed.size > 0) {
    out.write(`\nkill -9: "+" held, "F" failed, "." not killed, or not asked for\n`);
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
