import { isMainThread } from "node:worker_threads";

// Loaded into every process of the platform: standard input is a pipe from the launcher, which closes however the
// launcher ends. Nobody is left behind to hold ports and databases. Worker threads load it too and have no such pipe.
const DRAIN_MS = 5_000;

if (isMainThread) {
  process.stdin.on("end", end).on("error", end).resume();
  if ("unref" in process.stdin && typeof process.stdin.unref === "function") process.stdin.unref();
}

/** Asks this process to drain; with nobody left to read its log, it may not get to the end of that. */
function end(): void {
  process.kill(process.pid, "SIGTERM");
  setTimeout(() => process.kill(process.pid, "SIGKILL"), DRAIN_MS).unref();
}
