import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative, sep } from "node:path";

/** What is done while a crash point is armed. */
export const FLOWS = ["proof", "sample", "replicate", "none", "training", "publication", "purchase"] as const;
export type Flow = (typeof FLOWS)[number];

export interface CrashPoint {
  /** Who dies there; of `provider`, the first of them that passes it. */
  readonly process: string;
  readonly name: string;
  /** The name, and where it is another's than the name says, whose. */
  readonly id: string;
  /** The flow that has to pass it, whatever others do. */
  readonly flow: Flow;
}

/** A chain of one producer, or one of several honor nodes. */
export type ChainKind = "producer" | "honor";

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
  "consensus.${what}.${step}": ["vote", "block", "decision"].flatMap((what) =>
    ["before-persist", "after-persist", "after-send"].map((step) => `consensus.${what}.${step}`),
  ),
};

/** Points that only a node passes which votes. */
const HONOR_POINTS = /^consensus\.(?:vote|block|decision)\./;
/** Points of the node that the platform talks to alone. */
const FIRST_NODES_POINTS = /^consensus\.submit\./;
/** Stands for the nodes beside the platform's own. */
export const OTHER_NODE = "honor-2";

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

/** Every crash point in the code of services and provider that a platform on such a chain has. */
export function findCrashPoints(root: string, chain: ChainKind): CrashPoint[] {
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
    .flatMap((name) => placesOf(name, chain));
}

function placesOf(name: string, chain: ChainKind): CrashPoint[] {
  const process = name.slice(0, name.indexOf("."));
  const own = { process, name, id: name, flow: flowOf(name) };
  if (process !== "consensus") return [own];
  if (chain === "producer") return HONOR_POINTS.test(name) ? [] : [own];
  if (FIRST_NODES_POINTS.test(name)) return [own];
  return [own, { ...own, process: OTHER_NODE, id: `${OTHER_NODE}/${name}` }];
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

/**
 * Runs that have every point once, and of each process no more than `deaths`; as few as that needs. The points of a process
 * are dealt over the runs, so that those of two processes meet in many pairs.
 */
export function coveringRuns(points: readonly CrashPoint[], deaths: number): CrashPoint[][] {
  const lists = [...grouped(points).values()];
  const count = Math.ceil(Math.max(0, ...lists.map((list) => list.length)) / deaths);
  return Array.from({ length: count }, (_, run) =>
    lists.flatMap((list) => list.filter((_point, index) => index % count === run)),
  );
}

function grouped(points: readonly CrashPoint[]): Map<string, CrashPoint[]> {
  const groups = new Map<string, CrashPoint[]>();
  for (const point of points) groups.set(point.process, [...(groups.get(point.process) ?? []), point]);
  return groups;
}
