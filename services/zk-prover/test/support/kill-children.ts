import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";

const LOOK_EVERY_MS = 2;

/** Kills the next program that this process starts, as the system does when memory runs out. By /proc: Linux only. */
export async function killNextChild(signal: AbortSignal): Promise<void> {
  for (;;) {
    const [child] = children();
    if (child !== undefined) {
      process.kill(child, "SIGKILL");
      return;
    }
    await pause(LOOK_EVERY_MS, undefined, { signal });
  }
}

function children(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => parentOf(pid) === process.pid);
}

function parentOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name, in brackets, may hold anything; state and parent follow it.
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
  } catch {
    // It has ended since it was listed.
    return undefined;
  }
}
