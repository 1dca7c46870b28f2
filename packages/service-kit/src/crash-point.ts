import { appendFileSync, mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";

interface Armed {
  readonly name: string;
  /** Present: the crash happens only while this file does not exist, and what happened is written into it first. */
  readonly markerFile: string | undefined;
}

const armed = parse(process.env["AIOS_CRASH_AT"]);

/**
 * Dies here, as if by power loss, when `AIOS_CRASH_AT` names this point. Several are separated by commas; `name=file`
 * crashes once: the marker file is written before dying, and while it exists the point does not kill. Removing it arms the
 * point in a running process; in an empty one it is noted that the point was passed.
 */
export function crashPoint(name: string): void {
  if (armed.length === 0) return;
  for (const point of armed) {
    if (point.name !== name) continue;
    if (point.markerFile !== undefined) {
      if (isDisarmed(point.name, point.markerFile)) continue;
      mkdirSync(dirname(point.markerFile), { recursive: true });
      appendFileSync(point.markerFile, `${name} ${process.pid}\n`);
    }
    process.kill(process.pid, "SIGKILL");
    // The signal is delivered asynchronously; nothing may run after the point.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  }
}

function isDisarmed(name: string, markerFile: string): boolean {
  const sizeBytes = statSync(markerFile, { throwIfNoEntry: false })?.size;
  if (sizeBytes === 0) appendFileSync(markerFile, `${name} passed\n`);
  return sizeBytes !== undefined;
}

function parse(value: string | undefined): readonly Armed[] {
  if (value === undefined || value === "") return [];
  return value.split(",").map((entry) => {
    const separator = entry.indexOf("=");
    return separator < 0
      ? { name: entry.trim(), markerFile: undefined }
      : { name: entry.slice(0, separator).trim(), markerFile: entry.slice(separator + 1).trim() };
  });
}
