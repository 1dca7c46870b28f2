import { parentPort, workerData } from "node:worker_threads";
import { loadSuite } from "./registry.js";
import type { RunFile, WorkerMessage } from "./worker-protocol.js";

const port = parentPort;
if (port === null) throw new Error("This file runs in a worker thread of the conformance runner.");
const suite = await loadSuite(String(workerData));
if (suite === undefined) throw new Error(`There is no suite '${workerData}'.`);

const say = (message: WorkerMessage): void => port.postMessage(message);

port.on("message", async ({ file }: RunFile) => {
  try {
    for await (const result of suite.runFile(file)) say({ kind: "case", result });
    say({ kind: "file-done" });
  } catch (error) {
    say({
      kind: "file-done",
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
  }
});
