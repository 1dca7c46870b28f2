import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { CrashPoint } from "./crash-points.js";

/** Processes that pass the points of a kind of program. */
const PROGRAMS: Readonly<Record<string, readonly string[]>> = { provider: ["provider-1", "provider-2"] };

/** What a process writes that dies: the point and its own id. */
const DIED = / \d+$/m;

type Environment = Readonly<Record<string, string>>;

/**
 * Crash points of a platform, armed while it runs: each process is started with a marker file for every point that it has
 * (`crashPoint` of the service kit), and a point kills while its file is not there.
 */
export class CrashMarkers {
  readonly #directory: string;
  readonly #points: readonly CrashPoint[];

  /** Nothing is armed. */
  constructor(directory: string, points: readonly CrashPoint[]) {
    this.#directory = directory;
    this.#points = points;
    for (const point of points) mkdirSync(dirname(this.#file(point)), { recursive: true });
    this.reset();
  }

  /** What each process has to be started with. */
  environment(): Record<string, Environment> {
    const entries = new Map<string, string[]>();
    for (const point of this.#points)
      for (const process of processesOf(point))
        entries.set(process, [...(entries.get(process) ?? []), `${point.name}=${this.#file(point)}`]);
    return Object.fromEntries(
      [...entries].map(([process, armed]) => [process, { AIOS_CRASH_AT: armed.join(",") }]),
    );
  }

  /** Throws where no process has the point. */
  named(id: string): CrashPoint {
    const found = this.#points.find((point) => point.id === id);
    if (found === undefined) throw new RangeError(`no process has the crash point ${id}`);
    return found;
  }

  /** Who passes a point next dies there, once. */
  arm(points: readonly CrashPoint[]): void {
    for (const point of points) rmSync(this.#file(point));
  }

  /** Disarms everything and forgets what was passed. */
  reset(): void {
    for (const point of this.#points) writeFileSync(this.#file(point), "");
  }

  /** Points that killed since the last reset. */
  fired(): CrashPoint[] {
    return this.#points.filter((point) => DIED.test(this.#said(point)));
  }

  /** Points that were passed since the last reset, whether they killed or not. */
  passed(): CrashPoint[] {
    return this.#points.filter((point) => this.#said(point) !== "");
  }

  #said(point: CrashPoint): string {
    try {
      return readFileSync(this.#file(point), "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
      throw error;
    }
  }

  #file({ process, name }: CrashPoint): string {
    return join(this.#directory, process, name);
  }
}

/** Names of the processes that may die at a point. */
export function processesOf({ process }: Pick<CrashPoint, "process">): readonly string[] {
  return PROGRAMS[process] ?? [process];
}
