// `npm run test:faults`: every crash point of every process alone, in its flow; together with those of all other processes, in
// every flow that it lies on; `kill -9` of every process in every state of a job, and of PostgreSQL amid every flow; a provider
// that never returns; and, where Kafka, Redis and PostgreSQL are installed, what happens to these and to a service that hears
// and says nothing for a minute. Prints each case and at the end the matrix of points and flows; exit code 1 when work was not
// done once, or not paid once. `-- alone`, `mixed`, `kill`, `lost` or `backends` runs one part; a flow's name (`-- mixed
// training`) takes that flow alone; the beginning of a point's or process's name (`-- alone compute.settle`) takes it alone.
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { USUAL_HONOR_NODES } from "@aios/launcher/honor-nodes";
import { SERVICES } from "@aios/service-kit/local-instance";
import { systemClock } from "@aios/service-kit/system-clock";
import { BACKEND_FAULTS, BackendFaultBench, partitionOf } from "./backend-faults.js";
import {
  type CrashPoint,
  coveringRuns,
  FLOWS,
  type Flow,
  findCrashPoints,
  OTHER_NODE,
} from "./crash-points.js";
import { FaultBench, type FaultResult } from "./fault-bench.js";
import { type Cell, cellOf, flowMatrix, pairsPassed, problemsOf, Tally } from "./fault-matrix.js";
import { OutsideBackends } from "./outside-backends.js";

const PARTS = ["alone", "mixed", "kill", "lost", "backends"] as const;
const PARTITION_MS = 60_000;
const KILLED = ["postgres", ...SERVICES, OTHER_NODE, "provider-1", "provider-2"];
const STATES = ["funding", "funded", "leased", "delivered"] as const;
/** Has no points of ours. */
const KILLED_AMID = "postgres";
/** Whether a flow passes a point may be a matter of chance, as a draw is. */
const TRIES = 3;
/** Of one process in a run in which all others die too. */
const MOST_DEATHS = 3;

const root = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));
const out = process.stdout;
const asked = process.argv.slice(2);
const askedParts = PARTS.filter((part) => asked.includes(part));
const parts = askedParts.length === 0 ? PARTS : askedParts;
const askedFlows = FLOWS.filter((flow) => asked.includes(flow));
const flows = askedFlows.length === 0 ? FLOWS : askedFlows;
const choices: readonly string[] = [...askedParts, ...askedFlows];
const beginnings = asked.filter((name) => !choices.includes(name));
const isAsked = (name: string): boolean =>
  beginnings.length === 0 || beginnings.some((beginning) => name.startsWith(beginning));
const points = findCrashPoints(root, "honor");
const cells = new Map<string, Cell>();
const killed = new Map<string, string>();
const runs: { fired: readonly string[] }[] = [];
const placeOf = (name: string, flow: Flow): string => `${name} ${flow}`;
const startedAt = systemClock.now();
const tally = new Tally();

if (parts.some((part) => part !== "backends")) await testOnEmbeddedBackends();
if (parts.includes("backends")) await testBackends();
printMatrix();
const tookMinutes = ((systemClock.now() - startedAt) / 60_000).toFixed(1);
out.write(`\n${tally}, in ${tookMinutes} minutes\n`);
process.exit(tally.isGood ? 0 : 1);

async function testOnEmbeddedBackends(): Promise<void> {
  const bench = await FaultBench.start(systemClock, USUAL_HONOR_NODES);
  try {
    if (parts.includes("alone"))
      for (const point of points)
        if (isAsked(point.id) && flows.includes(point.flow)) await testAlone(bench, point, point.flow);
    if (parts.includes("mixed")) for (const flow of flows) await testFlow(bench, flow);
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

/** All points that lie on the flow, those of several processes at a time; what then fails or is not passed, alone. */
async function testFlow(bench: FaultBench, flow: Flow): Promise<void> {
  const { ids, violations } = await bench.pointsOn(flow);
  if (violations.length > 0) tell(`${flow} without a fault`, { tookMs: 0 }, violations);
  const own = points.filter(({ id, flow: due }) => isAsked(id) && (due === flow || ids.includes(id)));
  for (const armed of coveringRuns(own, MOST_DEATHS)) {
    const result = await bench.run(armed, flow);
    const held = tell(`${flow}: ${result.fired.join(", ")}`, result, result.violations);
    if (held) runs.push({ fired: result.fired });
    for (const point of armed)
      if (held && result.fired.includes(point.id)) note(point.id, flow, "held");
      else await testAlone(bench, point, flow);
  }
  if (!isAsked(KILLED_AMID)) return;
  const result = await untilPassed(() => bench.killAmid(KILLED_AMID, flow));
  note(KILLED_AMID, flow, tellKill(`${flow}: kill -9 of ${KILLED_AMID}`, result, result.violations));
}

async function testAlone(bench: FaultBench, point: CrashPoint, flow: Flow): Promise<void> {
  const result = await untilPassed(() => bench.run([point], flow));
  const problems = point.flow === flow ? problemsOf([point], result) : result.violations;
  note(point.id, flow, tellKill(`${flow}: ${point.id}`, result, problems));
}

async function untilPassed(run: () => Promise<FaultResult>): Promise<FaultResult> {
  let result = await run();
  for (let tries = 1; tries < TRIES && result.fired.length + result.violations.length === 0; tries += 1)
    result = await run();
  return result;
}

/** What failed once has failed. */
function note(name: string, flow: Flow, cell: Cell): void {
  if (cells.get(placeOf(name, flow)) !== "failed") cells.set(placeOf(name, flow), cell);
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
  return write(label, tookMs, problems.length === 0 ? "held" : "failed", problems) === "held";
}

/** As `tell`, of a run whose kill may not have come. */
function tellKill(label: string, result: FaultResult, problems: readonly string[]): Cell {
  return write(label, result.tookMs, cellOf(result, problems), problems);
}

function write(label: string, tookMs: number, cell: Cell, problems: readonly string[]): Cell {
  tally.add(cell);
  const verdict = cell === "failed" ? `FAILED: ${problems.join("; ")}` : cell;
  out.write(`${label.padEnd(60)} ${String(tookMs).padStart(7)} ms  ${verdict}\n`);
  return cell;
}

function printMatrix(): void {
  if (cells.size > 0) {
    out.write(
      `\nwho dies where, in which flow: "+" held, "F" failed, "o" not passed this time, "." not on the way\n`,
    );
    const names = [...points.map(({ id }) => id), KILLED_AMID];
    out.write(`${flowMatrix(names, flows, (name, flow) => cells.get(placeOf(name, flow)))}\n`);
  }
  if (killed.size > 0) {
    out.write(`\nkill -9: "+" held, "F" failed, "." not killed, or not asked for\n`);
    out.write(`${"".padEnd(14)}${STATES.map((state) => state.padEnd(11)).join("")}\n`);
    for (const process of KILLED) {
      const signs = STATES.map((state) => (killed.get(`${process} ${state}`) ?? ".").padEnd(11));
      out.write(`${process.padEnd(14)}${signs.join("")}\n`);
    }
  }
  if (runs.length === 0) return;
  const pairs = pairsPassed(points, runs);
  out.write(`\n${pairs.passed} of ${pairs.all} pairs of points were passed in one run, and the run held\n`);
}
