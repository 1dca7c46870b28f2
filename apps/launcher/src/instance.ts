import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** What a running platform leaves on disk so that a second start can say what runs already, and where. */
export interface RunningInstance {
  readonly pid: number;
  readonly startedAt: string;
  readonly gatewayUrl: string;
  readonly jsonRpcUrl: string;
}

/** One platform per data directory: the holder of `instance.json` whose process is alive. */
export class InstanceFile {
  readonly #file: string;

  constructor(dataDir: string) {
    mkdirSync(dataDir, { recursive: true });
    this.#file = join(dataDir, "instance.json");
  }

  /** The live instance, or undefined when none runs (a stale file is ignored). */
  running(): RunningInstance | undefined {
    if (!existsSync(this.#file)) return undefined;
    try {
      const instance = JSON.parse(readFileSync(this.#file, "utf8")) as RunningInstance;
      return instance.pid !== process.pid && isAlive(instance.pid) ? instance : undefined;
    } catch {
      return undefined;
    }
  }

  claim(instance: RunningInstance): void {
    writeFileSync(this.#file, `${JSON.stringify(instance, null, 2)}\n`);
  }

  release(): void {
    rmSync(this.#file, { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
