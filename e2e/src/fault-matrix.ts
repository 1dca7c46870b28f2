import type { CrashPoint, Flow } from "./crash-points.js";
import type { FaultResult } from "./fault-bench.js";

/** Of a point in a flow. */
export type Cell = "held" | "failed" | "not passed";

const SIGNS: Readonly<Record<Cell, string>> = { held: "+", failed: "F", "not passed": "o" };
/** The flow does not pass the point, or was not asked for. */
const ELSEWHERE = ".";

/** What is wrong: the work was not done once and paid once, or a point that should have killed was never passed. */
export function problemsOf(points: readonly CrashPoint[], { violations, fired }: FaultResult): string[] {
  const missed = points.filter((point) => !fired.includes(point.id));
  return [...violations, ...missed.map((point) => `${point.id} was not passed`)];
}

/** What comes of a run that was to kill: it proves nothing where nothing was killed. */
export function cellOf({ fired }: Pick<FaultResult, "fired">, problems: readonly string[]): Cell {
  if (problems.length > 0) return "failed";
  return fired.length === 0 ? "not passed" : "held";
}

/** Counts cases by what came of them. */
export class Tally {
  readonly #counts: Record<Cell, number> = { held: 0, failed: 0, "not passed": 0 };

  add(cell: Cell): void {
    this.#counts[cell] += 1;
  }

  /** Whether something was killed, and all of it held. */
  get isGood(): boolean {
    return this.#counts.failed === 0 && this.#counts.held > 0;
  }

  toString(): string {
    return `${this.#counts.held} passed, ${this.#counts.failed} failed, ${this.#counts["not passed"]} not on the way this time`;
  }
}

/** A row for each name, a column for each flow; what is missing is elsewhere. */
export function flowMatrix(
  names: readonly string[],
  flows: readonly Flow[],
  cell: (name: string, flow: Flow) => Cell | undefined,
): string {
  const width = Math.max(...flows.map((flow) => flow.length)) + 2;
  const label = Math.max(...names.map((name) => name.length)) + 2;
  const row = (name: string, cells: readonly string[]): string =>
    `${name.padEnd(label)}${cells.map((each) => each.padEnd(width)).join("")}`.trimEnd();
  const signOf = (name: string, flow: Flow): string => {
    const found = cell(name, flow);
    return found === undefined ? ELSEWHERE : SIGNS[found];
  };
  return [
    row("", flows),
    ...names.map((name) =>
      row(
        name,
        flows.map((flow) => signOf(name, flow)),
      ),
    ),
  ].join("\n");
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
      if (sets.some((ids) => ids.has(one.id) && ids.has(other.id))) passed += 1;
    }
  }
  return { passed, all: (points.length * (points.length - 1)) / 2 };
}
