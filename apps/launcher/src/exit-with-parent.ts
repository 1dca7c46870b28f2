import { isMainThread, Worker } from "node:worker_threads";

// Loaded into every process of the platform: standard input is a pipe from the launcher, which closes however the
// launcher ends. Nobody is left behind to hold ports and databases. Worker threads load it too and have no such pipe.
const DRAIN_MS = 4_000;
const WATCH = `
  const { workerData } = require("node:worker_threads");
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, workerData);
  process.kill(process.pid, "SIGKILL");
`;

if (isMainThread) {
  process.stdin.once("end", end).once("error", end).resume();
  if ("unref" in process.stdin && typeof process.stdin.unref === "function") process.stdin.unref();
}

let ending = false;

/**
 * Asks this process to drain. With nobody left to read its log it may not get to the end of that, or hang in a
 * synchronous write: a thread of its own ends it then, whatever the main thread does.
 */
function end(): void {
  if (ending) return;
  ending = true;
  new Worker(WATCH, { eval: true, execArgv: [], workerData: DRAIN_MS }).unref();
  process.kill(process.pid, "SIGTERM");
}
