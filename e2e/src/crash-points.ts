import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative, sep } from "node:path";

/** What is done while a crash point is armed. */
export type Flow = "proof" | "sample" | "replicate" | "none" | "purchase" | "publication" | "training";

export interface CrashPoint {
  readonly process: string;
  readonly name: string;
  readonly flow: Flow;
}

/** Points inside template literals, by the text that stands in the code. */
const EXPANSIONS: Readonly<Record<string, readonly string[]>> = {
  "compute.${fact.state}.after-store": ["funded", "leased", "delivered", "settled"].map(
    (state) => `compute.${state}.after-store`,
  ),
  "compute.${step}.before-submit": ["open", "lease", "deliver", "settle", "accept"].map(
    (step) => `compute.${step}.before-submit`,
  ),
  "compute.${step}.after-submit": ["open", "lease", "deliver", "settle", "accept"].map(
    (step) => `compute.${step}.after-submit`,
  ),
};

/** Points that need another flow than a proven inference to be passed. */
const FLOW_OF_PREFIX: readonly (readonly [string, Flow])[] = [
  ["compute.accept", "none"],
  ["compute.draw", "sample"],
  ["compute.replica", "replicate"],
  ["marketplace.purchase", "purchase"],
  ["marketplace.create", "publication"],
  ["marketplace.publish", "publication"],
  ["marketplace.event", "publication"],
  ["zk-prover.key", "publication"],
  ["zk-prover.set-up", "publication"],
  ["zk-prover.setup", "publication"],
  ["provider.training", "training"],
  ["storage.deposit-key", "publication"],
];

/**
 * Points that only a stuck transaction, a fork of the chain, a first registration or blocks that a crash left long ago
 * pass; their own tests arm them, as they do the steps of a job that fails (`crash-points-of-failures.integration.ts`).
 */
const PASSED_ELSEWHERE = ["economy.replace", "economy.undo", "compute.register", "storage.sweep"];

/** Points that every service has which does the like, by what stands in its code. */
const SHARED_POINTS: readonly (readonly [string, readonly string[]])[] = [
  ["consumers: true", ["event.before-handling", "event.after-handling"]],
  ["outbox.add(", ["outbox.before-publish", "outbox.after-publish"]],
];

/** Every crash point in the code of services and provider. */
export function findCrashPoints(root: string): CrashPoint[] {
  const names = new Set<string>();
  for (const directory of [join(root, "services"), join(root, "apps", "provider")]) {
    for (const file of sources(directory)) {
      const text = readFileSync(file, "utf8");
      for (const name of sharedPoints(root, file, text)) names.add(name);
      for (const [, , name] of text.matchAll(/crashPoint\(\s*(["`])([^"`]+)\1/g)) {
        for (const expanded of EXPANSIONS[name as string] ?? [name as string]) names.add(expanded);
      }
    }
  }
  return [...names]
    .filter((name) => !PASSED_ELSEWHERE.some((prefix) => name.startsWith(prefix)))
    .sort()
    .map((name) => ({ process: name.slice(0, name.indexOf(".")), name, flow: flowOf(name) }));
}

function sharedPoints(root: string, file: string, text: string): string[] {
  const [folder, service] = relative(root, file).split(sep);
  if (folder !== "services") return [];
  return SHARED_POINTS.flatMap(([sign, points]) =>
    text.includes(sign) ? points.map((point) => `${service}.${point}`) : [],
  );
}

function flowOf(name: string): Flow {
  return FLOW_OF_PREFIX.find(([prefix]) => name.startsWith(prefix))?.[1] ?? "proof";
}

function* sources(directory: string): Generator<string> {
  for (const name of readdirSync(directory)) {
    if (["node_modules", "dist", "generated", "test", "bench"].includes(name)) continue;
    const path = join(directory, name);
    if (statSync(path).isDirectory()) yield* sources(path);
    else if (name.endsWith(".ts") && !name.endsWith(".spec.ts")) yield path;
  }
}

/**
 * Runs in which one point of each process that takes part in a flow is armed, so that every run has a death of every
 * two processes of the flow. As many runs as the process with most points has: together they have every point, and the
 * points of two processes meet in ever new pairs. `atMost` takes fewer runs, spread over each process's points.
 */
export function mixedRuns(points: readonly CrashPoint[], atMost = Number.POSITIVE_INFINITY): CrashPoint[][] {
  const flows = [...new Set(points.map((point) => point.flow))];
  return flows.flatMap((flow) => {
    const lists = [...grouped(points.filter((point) => point.flow === flow)).values()];
    const longest = Math.max(...lists.map((list) => list.length));
    const count = Math.min(longest, atMost);
    return Array.from({ length: count }, (_, run) =>
      lists.flatMap((list) => {
        const index = list.length > count ? Math.floor((run * list.length) / count) : run % list.length;
        return list.slice(index, index + 1);
      }),
    );
  });
}

function grouped(points: readonly CrashPoint[]): Map<string, CrashPoint[]> {
  const groups = new Map<string, CrashPoint[]>();
  for (const point of points) groups.set(point.process, [...(groups.get(point.process) ?? []), point]);
  return groups;
}
