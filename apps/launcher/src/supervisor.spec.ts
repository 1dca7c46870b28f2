import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DurationMs, durationMs } from "@aios/kernel/units";
import { processBirth } from "@aios/service-kit/process-birth";
import { SystemClock } from "@aios/service-kit/system-clock";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Supervisor } from "./supervisor.js";

/** The stated bound of a stop. */
const STOP_WITHIN_MS = 5_000;
const SHORTENED = 20;
const IGNORES_EVERYTHING = `
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) process.on(signal, () => {});
  setInterval(() => {}, 1e6);
`;

/** Waits a fraction of what is asked, and remembers what was asked and not cut short. */
class ShortenedClock extends SystemClock {
  waitedMs = 0;

  override async wait(duration: DurationMs, signal?: AbortSignal): Promise<void> {
    await super.wait(durationMs(Math.ceil(duration / SHORTENED)), signal);
    this.waitedMs += duration;
  }
}

describe("the supervisor", () => {
  let directory: string;
  let clock: ShortenedClock;
  let supervisor: Supervisor;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "aios-supervisor-"));
    clock = new ShortenedClock();
    const events = { started() {}, ready() {}, crashed() {} };
    supervisor = new Supervisor(clock, events, ["foundation"]);
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  async function start(name: string, source: string): Promise<() => string> {
    const script = join(directory, `${name}.mjs`);
    writeFileSync(script, source);
    const logFile = join(directory, `${name}.log`);
    await supervisor.start({ name, script, env: {}, logFile, heapMiB: 64 }, STOP_WITHIN_MS);
    return () => readFileSync(logFile, "utf8");
  }

  it("stops within five seconds what ignores every request, what that has started, and the foundations last", async () => {
    const log = await start(
      "stubborn",
      `import { spawn } from "node:child_process";
       ${IGNORES_EVERYTHING}
       const child = spawn(process.execPath, ["--eval", ${JSON.stringify(IGNORES_EVERYTHING)}], { stdio: "inherit" });
       child.once("spawn", () => console.log("child", child.pid));`,
    );
    await start("foundation", IGNORES_EVERYTHING);
    await expect.poll(log, { timeout: 10_000 }).toMatch(/^child \d+\n/);
    const pids = [...supervisor.pids().values(), Number(/\d+/.exec(log())?.[0])];
    expect(pids).toHaveLength(3);
    clock.waitedMs = 0;
    await supervisor.stop();
    expect(clock.waitedMs).toBeGreaterThan(0);
    expect(clock.waitedMs).toBeLessThanOrEqual(STOP_WITHIN_MS);
    await expect.poll(() => pids.filter((pid) => processBirth(pid) !== undefined)).toEqual([]);
  });
});
