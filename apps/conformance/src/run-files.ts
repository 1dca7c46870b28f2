import { Worker } from "node:worker_threads";
import type { CaseResult } from "./suite.js";
import type { RunFile, WorkerMessage } from "./worker-protocol.js";

export interface RunOptions {
  readonly suite: string;
  readonly files: readonly string[];
  readonly workers: number;
  /** A file that gives no result for so long has failed. */
  readonly silenceLimitMs: number;
  readonly onCase: (file: string, result: CaseResult) => void;
}

const script = new URL("./worker.js", import.meta.url);

/** Runs the files, each once, on worker threads. A file whose worker ends or goes silent has one failed case. */
export async function runFiles(options: RunOptions): Promise<void> {
  const queue = options.files.values();
  const lanes = Math.min(options.workers, options.files.length);
  await Promise.all(Array.from({ length: lanes }, () => runLane(queue, options)));
}

async function runLane(queue: Iterator<string>, options: RunOptions): Promise<void> {
  let worker: Worker | undefined;
  try {
    for (let next = queue.next(); next.done !== true; next = queue.next()) {
      worker ??= new Worker(script, { workerData: options.suite });
      const failure = await runFile(worker, next.value, options);
      if (failure === undefined) continue;
      options.onCase(next.value, { name: "(file)", status: "failed", detail: failure.why });
      if (failure.workerIsLost) {
        await worker.terminate();
        worker = undefined;
      }
    }
  } finally {
    await worker?.terminate();
  }
}

interface Failure {
  readonly why: string;
  readonly workerIsLost: boolean;
}

function runFile(worker: Worker, file: string, options: RunOptions): Promise<Failure | undefined> {
  return new Promise((resolve) => {
    const finish = (failure: Failure | undefined): void => {
      clearTimeout(silence);
      worker.off("error", onError).off("exit", onExit).off("message", onMessage);
      resolve(failure);
    };
    const lost = (why: string): void => finish({ why, workerIsLost: true });
    const onError = (error: Error): void => lost(`the worker failed: ${error.message}`);
    const onExit = (code: number): void => lost(`the worker ended with ${code}`);
    const onMessage = (message: WorkerMessage): void => {
      if (message.kind === "case") {
        silence.refresh();
        options.onCase(file, message.result);
      } else finish(message.error === undefined ? undefined : { why: message.error, workerIsLost: false });
    };
    const silence = setTimeout(
      () => lost(`no result for ${options.silenceLimitMs / 1_000} s`),
      options.silenceLimitMs,
    );
    worker.on("error", onError).on("exit", onExit).on("message", onMessage);
    worker.postMessage({ file } satisfies RunFile);
  });
}
