import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/** What is done while a crash point is armed. */
export type Flow = "proof" | "none" | "purchase" | "publication" | "training";

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
  "compute.${step}.before-submit": ["open", "lease", "deliver", "settle"].map(
    (step) => `compute.${step}.before-submit`,
  ),
  "compute.${step}.after-submit": ["open", "lease", "deliver", "settle"].map(
    (step) => `compute.${step}.after-submit`,
  ),
};

/** Points that need another flow than a proven inference to be passed. */
const FLOW_OF_PREFIX: readonly (readonly [string, Flow])[] = [
  ["compute.accept", "none"],
  ["marketplace.purchase", "purchase"],
  ["marketplace.create", "publication"],
  ["marketplace.publish", "publication"],
  ["zk-prover.key", "publication"],
  ["zk-prover.set-up", "publication"],
  ["zk-prover.setup", "publication"],
  ["provider.training", "training"],
  ["storage.deposit-key", "publication"],
];

/** Points that only a stuck transaction, a fork of the chain or a first registration passes; their own tests arm them. */
const PASSED_ELSEWHERE = ["economy.replace", "economy.undo", "compute.register"];

/** Every crash point in the code of services and provider. */
export function findCrashPoints(root: string): CrashPoint[] {
  const names = new Set<string>();
  for (const directory of [join(root, "services"), join(root, "apps", "provider")]) {
    for (const file of sources(directory)) {
      for (const [, , name] of readFileSync(file, "utf8").matchAll(/crashPoint\(\s*(["`])([^"`]+)\1/g)) {
        for (const expanded of EXPANSIONS[name as string] ?? [name as string]) names.add(expanded);
      }
    }
  }
  return [...names]
    .filter((name) => !PASSED_ELSEWHERE.some((prefix) => name.startsWith(prefix)))
    .sort()
    .map((name) => ({ process: name.slice(0, name.indexOf(".")), name, flow: flowOf(name) }));
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
 * Pairs of points in different processes, so that each point is in one pair and neighbours in the list meet partners
 * from the other end of it: a sample of all pairs that grows with the points, not with their square.
 */
export function pairUp(points: readonly CrashPoint[]): (readonly CrashPoint[])[] {
  const left = [...points];
  const pairs: (readonly CrashPoint[])[] = [];
  while (left.length > 0) {
    const first = left.shift() as CrashPoint;
    const partner = left.findLastIndex((other) => other.process !== first.process);
    pairs.push(partner < 0 ? [first] : [first, ...left.splice(partner, 1)]);
  }
  return pairs;
}
