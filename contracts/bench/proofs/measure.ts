import { readdirSync, readFileSync } from "node:fs";

const SAMPLE_EVERY_MS = 20;
const MIN_RUNS = 3;

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;
}

export async function timed<T>(work: () => T | Promise<T>): Promise<readonly [T, number]> {
  const start = performance.now();
  const result = await work();
  return [result, performance.now() - start];
}

/** `runs` times, fewer where that takes longer than `forMs`, but at least three times. */
export async function repeated(
  { runs, forMs }: { readonly runs: number; readonly forMs: number },
  work: (run: number) => Promise<void>,
): Promise<void> {
  const start = performance.now();
  for (let run = 0; run < runs && (run < MIN_RUNS || performance.now() - start < forMs); run++)
    await work(run);
}

/** Calls a second, over half a second after a warm-up. */
export async function throughput(work: () => unknown): Promise<number> {
  for (let call = 0; call < 20; call++) await work();
  const start = performance.now();
  let calls = 0;
  while (performance.now() - start < 500) {
    await work();
    calls++;
  }
  return (1000 * calls) / (performance.now() - start);
}

/** Most memory that a process had resident so far, in MiB; `undefined` where Linux does not tell, or once it ended. */
export function peakMemory(pid: number | "self" = "self"): number | undefined {
  try {
    const kib = readFileSync(`/proc/${pid}/status`, "utf8").match(/^VmHWM:\s+(\d+) kB/m)?.[1];
    return kib === undefined ? undefined : Number(kib) / 1024;
  } catch {
    return undefined;
  }
}

/** Peak memory of the programs that this process starts, read again and again while they run, in MiB. */
export class ChildMemory implements Disposable {
  #peak: number | undefined;
  readonly #timer = setInterval(() => this.#sample(), SAMPLE_EVERY_MS);

  get peak(): number | undefined {
    return this.#peak;
  }

  #sample(): void {
    for (const pid of childrenOf(process.pid)) {
      const peak = peakMemory(pid);
      if (peak !== undefined) this.#peak = Math.max(this.#peak ?? 0, peak);
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").split(" ").filter(Boolean).map(Number),
    );
  } catch {
    return [];
  }
}
