import { parentPort } from "node:worker_threads";
import { errorAcross } from "../../domain/error-across.js";
import type { CallEngine } from "../../domain/ports.js";
import type { CallAnswer, CallJob } from "./call-protocol.js";

function run(engine: CallEngine, job: CallJob): Promise<unknown> {
  switch (job.kind) {
    case "call":
      return engine.call(job.state, job.context, job.request);
    case "access-list":
      return engine.accessList(job.state, job.context, job.request);
    case "trace-block":
      return engine.traceBlock(job.parent, job.block, job.index, job.options);
    case "trace-call":
      return engine.traceCall(job.state, job.context, job.request, job.options);
    case "simulate":
      return engine.simulate(job.parent, job.request);
  }
}

/** The worker's side: answers one job after another, in order. */
export function serveCalls(engine: CallEngine): void {
  const port = parentPort;
  if (port === null) throw new TypeError("serveCalls runs in a worker thread only");
  port.on("message", (job: CallJob) => {
    run(engine, job).then(
      (value) => port.postMessage({ kind: "value", value } satisfies CallAnswer),
      (cause: unknown) => port.postMessage({ kind: "error", error: errorAcross(cause) } satisfies CallAnswer),
    );
  });
  port.postMessage({ kind: "ready" } satisfies CallAnswer);
}
