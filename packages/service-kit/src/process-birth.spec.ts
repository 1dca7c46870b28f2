import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, it, onTestFinished } from "vitest";
import { isRunning, processBirth } from "./process-birth.js";

/** Above every limit of process ids: nobody. */
const NOBODY = 2 ** 30;

it("tells one process from another, and says the same of one each time", async () => {
  const child = spawn(process.execPath, ["--eval", "setInterval(() => {}, 1e6)"]);
  onTestFinished(() => void child.kill("SIGKILL"));
  await once(child, "spawn");
  const pid = child.pid as number;
  const birth = processBirth(pid);
  expect(birth).toBeDefined();
  expect(processBirth(pid)).toBe(birth);
  expect(processBirth(process.pid)).not.toBe(birth);
  expect(isRunning(pid, birth)).toBe(true);
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(processBirth(pid)).toBeUndefined();
  expect(isRunning(pid, birth)).toBe(false);
});

it("is of the process that has the id now, not of an earlier one that had it", () => {
  expect(isRunning(process.pid, processBirth(process.ppid))).toBe(false);
  expect(isRunning(process.pid, processBirth(process.pid))).toBe(true);
  expect(isRunning(process.pid, undefined)).toBe(true);
  expect(isRunning(NOBODY, undefined)).toBe(false);
});

it.runIf(process.platform === "linux")(
  "does not count a process that only waits to be collected",
  async () => {
    // The shell becomes a program that never asks what became of its child.
    const parent = spawn("/bin/sh", ["-c", "true & echo $!; exec sleep 1000"], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    onTestFinished(() => void parent.kill("SIGKILL"));
    const [line] = (await once(parent.stdout, "data")) as [Buffer];
    await expect.poll(() => processBirth(Number(line.toString()))).toBeUndefined();
  },
);
