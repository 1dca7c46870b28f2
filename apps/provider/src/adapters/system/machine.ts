import { readdir, readFile, statfs } from "node:fs/promises";
import { availableParallelism, totalmem } from "node:os";

export interface Machine {
  readonly cpuCores: number;
  readonly memoryBytes: number;
  readonly diskBytes: number;
  readonly gpus: readonly string[];
}

/** What this machine has; free disk where the data lies. */
export async function detectMachine(dataDirectory: string): Promise<Machine> {
  const { bavail, bsize } = await statfs(dataDirectory);
  return {
    cpuCores: availableParallelism(),
    memoryBytes: totalmem(),
    diskBytes: bavail * bsize,
    gpus: await nvidiaGpus("/proc/driver/nvidia/gpus"),
  };
}

/** Names of NVIDIA GPUs as their driver lists them; none without the driver. */
async function nvidiaGpus(directory: string): Promise<readonly string[]> {
  try {
    const names: string[] = [];
    for (const gpu of (await readdir(directory)).sort()) {
      const information = await readFile(`${directory}/${gpu}/information`, "utf8");
      names.push(/^Model:\s*(.+)$/m.exec(information)?.[1]?.trim() ?? "NVIDIA GPU");
    }
    return names;
  } catch {
    return [];
  }
}
