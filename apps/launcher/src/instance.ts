import { linkSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { INSTANCE_FILE, type LocalInstance, readLocalInstance } from "@aios/service-kit/local-instance";
import { isRunning } from "@aios/service-kit/process-birth";

/** One platform per data directory: the holder of `instance.json` whose process still runs. */
export class InstanceFile {
  readonly #dataDir: string;
  readonly #file: string;
  #own: LocalInstance | undefined;

  constructor(dataDir: string) {
    mkdirSync(dataDir, { recursive: true });
    this.#dataDir = dataDir;
    this.#file = join(dataDir, INSTANCE_FILE);
  }

  /**
   * Takes the directory, before anything else is done in it: of two starts at the same time one gets it. Returns the
   * live instance that has it already, else undefined. The file of a process that is gone does not count, also when its
   * id has been given to another one since.
   */
  claim(instance: LocalInstance): LocalInstance | undefined {
    this.#own = instance;
    for (;;) {
      if (this.#create(instance)) return undefined;
      const holder = readLocalInstance(this.#dataDir);
      const other = holder !== undefined && holder.pid !== instance.pid;
      if (other && isRunning(holder.pid, holder.birth)) return holder;
      rmSync(this.#file, { force: true });
    }
  }

  /** Tells later starts where the platform can be reached. */
  announce(instance: LocalInstance & Required<Pick<LocalInstance, "urls" | "ports">>): void {
    writeFileSync(this.#file, serialised(instance));
  }

  /** Leaves what another instance claimed, as in a directory that has taken the place of ours. */
  release(): void {
    const holder = readLocalInstance(this.#dataDir);
    if (holder !== undefined && holder.pid === this.#own?.pid && holder.birth === this.#own.birth)
      rmSync(this.#file, { force: true });
  }

  /** The file appears with all its content, or not at all. */
  #create(instance: LocalInstance): boolean {
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
}

function serialised(instance: LocalInstance): string {
  return `${JSON.stringify(instance, null, 2)}\n`;
}
