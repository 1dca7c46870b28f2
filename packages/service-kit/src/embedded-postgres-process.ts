import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { durationMs } from "@aios/kernel/units";
import { monotonicMs, systemClock } from "./system-clock.js";

const POLL_MS = 20;

/** The process that a cluster's lock file names. */
export function readPostmasterPid(cluster: string): number | undefined {
  const file = join(cluster, "postmaster.pid");
  if (!existsSync(file)) return undefined;
  const pid = Number(readFileSync(file, "utf8").split("\n")[0]);
  return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined;
}

/** True when the process exists and is a server on this cluster; process ids are used again after a reboot. */
export async function isServerOf(pid: number, cluster: string): Promise<boolean> {
  try {
    const { stdout } = await promisify(execFile)("ps", ["-ww", "-o", "command=", "-p", String(pid)]);
    return stdout.includes(`-D ${cluster} `);
  } catch {
    return processExists(pid) && commandLine(pid).includes(`-D ${cluster} `);
  }
}

function commandLine(pid: number): string {
  const file = `/proc/${pid}/cmdline`;
  return existsSync(file) ? readFileSync(file, "utf8").replaceAll("\0", " ") : "";
}

/** Signals, waits until the process is gone, and insists (SIGQUIT, then SIGKILL) when it takes too long. */
export async function endProcess(pid: number, signal: NodeJS.Signals, timeoutMs: number): Promise<void> {
  const steps: readonly [NodeJS.Signals, number][] = [
    [signal, timeoutMs],
    ["SIGQUIT", 2_000],
    ["SIGKILL", 2_000],
  ];
  for (const [step, limitMs] of steps) {
    if (!send(pid, step)) return;
    const endsAtMs = monotonicMs() + limitMs;
    // Somebody else's child: there is no event for its end, so its existence is polled.
    while (monotonicMs() < endsAtMs) {
      if (!processExists(pid)) return;
      await systemClock.wait(durationMs(POLL_MS));
    }
  }
}

export function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function send(pid: number, signal: NodeJS.Signals): boolean {
  if (pid <= 0) return false;
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}
