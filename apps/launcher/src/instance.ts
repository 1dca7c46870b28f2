import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isRunning } from "./process-birth.js";

/** What a running platform leaves on disk so that a second start can say what runs already, and where. */
export interface RunningInstance {
  readonly pid: number;
  /** `processBirth` of it: the id alone may be somebody else's by now. Missing where the system does not tell. */
  readonly birth?: string;
  readonly startedAt: string;
  /** Missing while it starts. */
  readonly urls?: { readonly gateway: string; readonly jsonRpc: string };
}

export const INSTANCE_FILE = "instance.json";

/** One platform per data directory: the holder of `instance.json` whose process still runs. */
export class InstanceFile {
  readonly #file: string;

  constructor(dataDir: string) {
    mkdirSync(dataDir, { recursive: true });
    this.#file = join(dataDir, INSTANCE_FILE);
  }

  /**
   * Takes the directory, before anything else is done in it: of two starts at the same time one gets it. Returns the
   * live instance that has it already, else undefined. The file of a process that is gone does not count, also when its
   * id has been given to another one since.
   */
  claim(instance: RunningInstance): RunningInstance | undefined {
    for (;;) {
      if (this.#create(instance)) return undefined;
      const holder = this.#holder();
      const other = holder !== undefined && holder.pid !== instance.pid;
      if (other && isRunning(holder.pid, holder.birth)) return holder;
      rmSync(this.#file, { force: true });
    }
  }

  /** Tells later starts where the platform can be reached. */
  announce(instance: RunningInstance & Required<Pick<RunningInstance, "urls">>): void {
    writeFileSync(this.#file, serialised(instance));
  }

  release(): void {
    rmSync(this.#file, { force: true });
  }

  /** The file appears with all its content, or not at all. */
  #create(instance: RunningInstance): boolean {
    const own = `${this.#file}.${instance.pid}`;
    writeFileSync(own, serialised(instance));
    try {
      linkSync(own, this.#file);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      return false;
    } finally {
      rmSync(own);
    }
  }

  #holder(): RunningInstance | undefined {
    try {
      return JSON.parse(readFileSync(this.#file, "utf8")) as RunningInstance;
    } catch {
      return undefined;
    }
  }
}

function serialised(instance: RunningInstance): string {
  return `${JSON.stringify(instance, null, 2)}\n`;
}
