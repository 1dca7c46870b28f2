import type { CrashPoint } from "./crash-points.js";
import type { FaultResult } from "./fault-bench.js";

/** What is wrong: the work was not done once and paid once, or a point that should have killed was never passed. */
export function problemsOf(points: readonly CrashPoint[], { violations, fired }: FaultResult): string[] {
  const missed = points.filter((point) => !fired.includes(point.name));
  return [...violations, ...missed.map((point) => `${point.name} was not passed`)];
}

/**
 * The point × point matrix below its diagonal: on the diagonal each point alone, elsewhere whether a run held in which
 * both were passed. "+" held, "F" failed, "." never together.
 */
export function pointMatrix(
  points: readonly CrashPoint[],
  alone: ReadonlyMap<string, boolean>,
  runs: readonly { readonly fired: readonly string[]; readonly held: boolean }[],
): string {
  const passed = runs.map((run) => ({ held: run.held, names: new Set(run.fired) }));
  const together = (a: string, b: string): string => {
    const common = passed.filter(({ names }) => names.has(a) && names.has(b));
    if (common.length === 0) return ".";
    return common.every(({ held }) => held) ? "+" : "F";
  };
  const diagonal = (name: string): string => {
    const held = alone.get(name);
    if (held === undefined) return ".";
    return held ? "+" : "F";
  };
  return points
    .map(({ name }, row) => {
      const cells = points.slice(0, row).map((other) => together(name, other.name));
      return `${name.padEnd(40)} ${cells.join("")}${diagonal(name)}`;
    })
    .join("\n");
}

/** Pairs of points that a run passed together, of all there are. */
export function pairsPassed(
  points: readonly CrashPoint[],
  runs: readonly { readonly fired: readonly string[] }[],
): { readonly passed: number; readonly all: number } {
  const sets = runs.map(({ fired }) => new Set(fired));
  let passed = 0;
  for (const [index, one] of points.entries()) {
    for (const other of points.slice(index + 1)) {
      if (sets.some((names) => names.has(one.name) && names.has(other.name))) passed += 1;
    }
  }
  return { passed, all: (points.length * (points.length - 1)) / 2 };
}
