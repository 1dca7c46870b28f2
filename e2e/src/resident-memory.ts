import { readFileSync } from "node:fs";
import { processTree } from "./process-tree.js";

/** Resident memory of one process and all its descendants, in MiB: shared pages counted once over all (PSS). */
export function residentMiB(pid: number): number {
  return processTree(pid).reduce((sum, one) => sum + ownMiB(one), 0);
}

function ownMiB(pid: number): number {
  try {
    const match = /^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"));
    return Number(match?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}
