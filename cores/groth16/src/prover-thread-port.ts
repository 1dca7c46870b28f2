import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { Worker } from "node:worker_threads";
import { CodedError } from "@aios/kernel/coded-error";
import type { ProverReply, ProverRequest, ProverResult } from "./prover-messages.js";
import { outOfMemory } from "./wasm-prover.js";

export interface CallOptions {
  /** Aborting ends the thread: what else runs there fails with `prover-stopped`, loaded keys are gone. */
  readonly signal?: AbortSignal;
  /** 0 to 1. */
  readonly onProgress?: (fraction: number) => void;
}

interface PendingCall {
  readonly resolve: (result: ProverResult) => void;
  readonly reject: (error: CodedError) => void;
  readonly onProgress: ((fraction: number) => void) | undefined;
}

const locate = createRequire(import.meta.url);
let compiled: Promise<WebAssembly.Module> | undefined;

/** The checked-in module, compiled once a process. Throws `prover-altered` unless it has the checked-in hash. */
async function compileModule(): Promise<WebAssembly.Module> {
  const path = locate.resolve("@aios/core-groth16/groth16.wasm");
  const [bytes, pinned] = await Promise.all([readFile(path), readFile(`${path}.sha256`, "utf8")]);
  if (createHash("sha256").update(bytes).digest("hex") !== pinned.slice(0, 64)) {
    throw new CodedError({
      code: "prover-altered",
      kind: "unavailable",
      message: "The prover's module does not have its pinned hash.",
    });
  }
  return WebAssembly.compile(bytes);
}

function stopped(reason: string, cause?: unknown): CodedError {
  return new CodedError({
    code: "prover-stopped",
    kind: "unavailable",
    message: `The prover was stopped: ${reason}.`,
    retryAfterMs: 1_000,
    ...(cause === undefined ? {} : { cause }),
  });
}

/** How a thread failed that could not say it itself. */
function failureOf(error: unknown): CodedError {
  const isMemory = error instanceof Error && "code" in error && error.code === "ERR_WORKER_OUT_OF_MEMORY";
  return isMemory ? outOfMemory() : stopped("its thread failed", error);
}

export function proverBusy(): CodedError {
  return new CodedError({
    code: "prover-busy",
    kind: "unavailable",
    message: "The prover has too much to do.",
    retryAfterMs: 1_000,
  });
}

/** One worker thread behind calls: starts on the first one, and again after it was ended. */
export class ProverThreadPort {
  #worker: Worker | undefined;
  #starting: Promise<Worker> | undefined;
  #closed = false;
  #nextId = 1;
  #generation = 0;
  readonly #pending = new Map<number, PendingCall>();

  constructor(private readonly maxPending: number) {}

  /** Counts threads; what an earlier one held is gone. */
  get generation(): number {
    return this.#generation;
  }

  async #start(): Promise<Worker> {
    compiled ??= compileModule();
    const module = await compiled.catch((error: unknown) => {
      compiled = undefined;
      throw error;
    });
    if (this.#closed) throw stopped("it is closed");
    const worker = new Worker(locate.resolve("@aios/core-groth16/prover-thread"), {
      workerData: module,
      name: "groth16-prover",
    });
    this.#generation++;
    worker.on("message", (reply: ProverReply) =>
      reply.type === "out-of-memory" ? this.#end(worker, outOfMemory()) : this.#receive(reply),
    );
    worker.on("error", (error) => this.#end(worker, failureOf(error)));
    worker.on("exit", () => this.#end(worker, stopped("its thread ended")));
    this.#worker = worker;
    return worker;
  }

  #receive(reply: Exclude<ProverReply, { readonly type: "out-of-memory" }>): void {
    const call = this.#pending.get(reply.id);
    if (call === undefined) return;
    if (reply.type === "progress") {
      call.onProgress?.(reply.fraction);
      return;
    }
    if (reply.type === "result") call.resolve(reply.result);
    else call.reject(new CodedError({ code: reply.code, kind: reply.kind, message: reply.message }));
  }

  #end(worker: Worker, error: CodedError): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    this.#starting = undefined;
    this.#generation++;
    for (const call of [...this.#pending.values()]) call.reject(error);
    void worker.terminate();
  }

  /** Sends one request and waits for its result. `moved` buffers belong to the thread afterwards. */
  async call(
    request: ProverRequest,
    moved: readonly ArrayBuffer[],
    options: CallOptions,
  ): Promise<ProverResult> {
    const { signal, onProgress } = options;
    if (this.#closed) throw stopped("it is closed");
    if (signal?.aborted === true) throw stopped("the caller gave up or its time ran out", signal.reason);
    if (this.#pending.size >= this.maxPending) {
      throw proverBusy();
    }
    const id = this.#nextId++;
    const settled = Promise.withResolvers<ProverResult>();
    // Reserved before the thread is up, so that waiting for it is bounded too.
    this.#pending.set(id, { resolve: settled.resolve, reject: settled.reject, onProgress });
    const onAbort = (): void => {
      const error = stopped("the caller gave up or its time ran out", signal?.reason);
      if (this.#worker === undefined) settled.reject(error);
      else this.#end(this.#worker, error);
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      this.#starting ??= this.#start();
      this.#starting.then(
        (worker) => {
          // An idle thread must not keep the process alive; one that owes an answer must.
          worker.ref();
          try {
            worker.postMessage({ id, request }, [...moved]);
          } catch (error) {
            settled.reject(error);
          }
        },
        (error: CodedError) => {
          this.#starting = undefined;
          settled.reject(error);
        },
      );
      return await settled.promise;
    } finally {
      signal?.removeEventListener("abort", onAbort);
      this.#pending.delete(id);
      if (this.#pending.size === 0) this.#worker?.unref();
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    const worker = this.#worker;
    if (worker === undefined) return;
    this.#end(worker, stopped("it is closed"));
    await worker.terminate();
  }
}
