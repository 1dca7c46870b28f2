import { readFileSync } from "node:fs";
import { processTree } from "./process-tree.js";

/** Linux counts processor time in hundredths of a second (USER_HZ). */
const TICKS_PER_SECOND = 100;
/** Fields 14 and 15 of /proc/<pid>/stat, counted after the command's closing bracket. */
const USER_TICKS = 11;
const SYSTEM_TICKS = 12;

/** Processor time of a process and all its living descendants since they began, in seconds; 0 where it is not told. */
export function cpuSeconds(pid: number): number {
  return processTree(pid).reduce((sum, one) => sum + ownSeconds(one), 0);
}

/** The same, told apart by the name under which each process's `nameOf` puts it. */
export function cpuSecondsBy(pid: number, nameOf: (pid: number) => string): ReadonlyMap<string, number> {
  const seconds = new Map<string, number>();
  for (const one of processTree(pid)) {
    const name = nameOf(one);
    seconds.set(name, (seconds.get(name) ?? 0) + ownSeconds(one));
  }
  return seconds;
}

/** The command that a process runs; empty where it is not told. */
export function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, "utf8").trim();
  } catch {
    return "";
  }
}

function ownSeconds(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[USER_TICKS]) + Number(fields[SYSTEM_TICKS])) / TICKS_PER_SECOND;
  } catch {
    return 0;
  }
}
