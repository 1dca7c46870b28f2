import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { commandOf, cpuSecondsBy } from "../../src/cpu-time.js";
import { type Figure, percentile } from "../../src/figures.js";
import { type BusSettings, PER_TRANSACTION, type ReadReport, type WriteReport } from "./bus-protocol.js";

const WARM_UP_EVENTS = 2_000;
export const PACED_SECONDS = 5;
const P95_GOAL_MS = 50;

export interface BusUnderTest {
  readonly name: string;
  readonly busUrl: string;
  /** URL of a database on the server that outbox and inbox share. */
  readonly database: (name: string) => string;
  readonly events: number;
  readonly goalPerSecond: number;
  /** Events a second at which the delay is measured; absent: half of what went through. */
  readonly pacePerSecond: number | undefined;
  readonly peer?: {
    readonly name: string;
    readonly perSecond: number;
    /** Delays at a pace. */
    readonly delaysMs: (perSecond: number) => Promise<readonly number[]>;
  };
}

/** Events a second from a service's transaction through outbox, bus and inbox into another's; delay at half of that or at a given pace. */
export async function busFigures(suite: string, bus: BusUnderTest): Promise<Figure[]> {
  const topic = `bench.v1.${bus.name}.written`;
  const start = (script: string, databaseUrl: string): Promise<ChildProcess> =>
    startChild(script, { busUrl: bus.busUrl, databaseUrl, topic });
  const reader = await start("bus-reader.js", bus.database(`bench_${bus.name}_reader`));
  const writer = await start("bus-writer.js", bus.database(`bench_${bus.name}_writer`));
  try {
    await through(writer, reader, WARM_UP_EVENTS);
    const partOf = (pid: number): string =>
      ({ [writer.pid ?? 0]: "writer and relay", [reader.pid ?? 0]: "reader", [process.pid]: "bench" })[pid] ??
      commandOf(pid);
    const before = cpuSecondsBy(process.pid, partOf);
    const full = await through(writer, reader, bus.events);
    const after = cpuSecondsBy(process.pid, partOf);
    const parts = [...after].map(
      ([name, seconds]) => [name, ((seconds - (before.get(name) ?? 0)) / bus.events) * 1_000] as const,
    );
    const cpuMs = parts.reduce((sum, [, ms]) => sum + ms, 0);
    const byPart = parts.filter(([, ms]) => ms >= 0.005).map(([name, ms]) => `${name} ${ms.toFixed(2)}`);
    const paced = bus.pacePerSecond ?? full.perSecond / 2;
    const { delaysMs, untilKeptMs } = await through(writer, reader, Math.round(paced * PACED_SECONDS), paced);
    const peerDelaysMs = await bus.peer?.delaysMs(paced);
    const work = `processor time of all processes: ${cpuMs.toFixed(2)} ms an event (${byPart.join(", ")})`;
    const common = { suite, note: `${work}; the inbox turned ${full.repeated} repeated ones away` };
    return [
      {
        ...common,
        name: `${bus.name}: events a second, outbox to inbox, 1 KiB`,
        value: full.perSecond,
        unit: "/s",
        goal: bus.goalPerSecond,
        better: "higher",
        ...(bus.peer === undefined ? {} : { peer: bus.peer.name, peerValue: bus.peer.perSecond }),
      },
      {
        suite,
        name: `${bus.name}: delay at ${bus.pacePerSecond === undefined ? "half of that load" : `${paced}/s`}, p95`,
        value: percentile(delaysMs, 0.95),
        unit: "ms",
        goal: P95_GOAL_MS,
        better: "lower",
        note: `p50 ${percentile(delaysMs, 0.5).toFixed(1)} ms at ${paced.toFixed(0)}/s, of which ${percentile(untilKeptMs, 0.5).toFixed(0)} until the bus has it`,
        ...(peerDelaysMs === undefined
          ? {}
          : {
              peer: `bare kafkajs at the same pace, p50 ${percentile(peerDelaysMs, 0.5).toFixed(1)} ms`,
              peerValue: percentile(peerDelaysMs, 0.95),
            }),
      },
    ];
  } finally {
    await Promise.all([writer, reader].map(closeChild));
  }
}

async function through(
  writer: ChildProcess,
  reader: ChildProcess,
  events: number,
  perSecond?: number,
): Promise<{ readonly perSecond: number } & Pick<ReadReport, "delaysMs" | "untilKeptMs" | "repeated">> {
  const whole = Math.ceil(events / PER_TRANSACTION) * PER_TRANSACTION;
  const [written, read] = [once(writer, "message"), once(reader, "message")];
  reader.send({ kind: "read", events: whole });
  writer.send({ kind: "write", events: whole, perSecond });
  const [[start], [end]] = (await Promise.all([written, read])) as [[WriteReport], [ReadReport]];
  if (end.delaysMs.length !== whole)
    throw new Error(`${end.delaysMs.length} of ${whole} events were handled`);
  const perSecondThrough = (whole / (end.endedAtMs - start.startedAtMs)) * 1_000;
  const { delaysMs, untilKeptMs, repeated } = end;
  return { perSecond: perSecondThrough, delaysMs, untilKeptMs, repeated };
}

async function startChild(script: string, settings: BusSettings): Promise<ChildProcess> {
  const child = fork(new URL(script, import.meta.url), [JSON.stringify(settings)], { stdio: "inherit" });
  await once(child, "message");
  return child;
}

async function closeChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const ended = once(child, "exit");
  child.send("close");
  await ended;
}
