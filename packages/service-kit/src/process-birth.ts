import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

const BOOT_ID_FILE = "/proc/sys/kernel/random/boot_id";
/** `starttime` of proc(5), counted from the field after the command's closing parenthesis. */
const START_TICKS = 19;
const ENDED_STATES = ["Z", "X"];

/**
 * When a process began, as text. Process ids are given again, so an id alone names nobody: id and beginning together do.
 * On Linux it is the boot and the clock tick, elsewhere the second. Undefined when there is no such process, when it
 * has ended and only its exit code waits to be collected, or when the system does not tell.
 */
export function processBirth(pid: number): string | undefined {
  try {
    return process.platform === "linux" ? birthFromProc(pid) : birthFromPs(pid);
  } catch {
    return undefined;
  }
}

/** True while the process that began then still runs; without a beginning, while any process has the id. */
export function isRunning(pid: number, birth: string | undefined): boolean {
  const current = processBirth(pid);
  if (current !== undefined) return birth === undefined || current === birth;
  return process.platform !== "linux" && answersSignals(pid);
}

function birthFromProc(pid: number): string | undefined {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The command may hold spaces and parentheses itself.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state = "X"] = fields;
  const ticks = fields[START_TICKS];
  if (ENDED_STATES.includes(state) || ticks === undefined) return undefined;
  return `${readFileSync(BOOT_ID_FILE, "utf8").trim()}/${ticks}`;
}

function birthFromPs(pid: number): string | undefined {
  const env = { PATH: process.env["PATH"], LC_ALL: "C", TZ: "UTC" };
  const text = execFileSync("ps", ["-p", String(pid), "-o", "stat=,lstart="], {
    encoding: "utf8",
    env,
  }).trim();
  const [state = "Z", ...started] = text.split(/\s+/);
  return ENDED_STATES.some((ended) => state.startsWith(ended)) ? undefined : started.join(" ");
}

function answersSignals(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
