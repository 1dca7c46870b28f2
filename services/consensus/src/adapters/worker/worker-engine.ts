import { Worker } from "node:worker_threads";
import { CodedError } from "@aios/kernel/coded-error";
import type { Block, BlockHeader } from "../../domain/block.js";
import { callTimedOut, engineBusy, nodeStopping } from "../../domain/errors.js";
import type {
  BlockContext,
  CallEngine,
  CallOutcome,
  CallRequest,
  StateReference,
} from "../../domain/ports.js";
import type { SimulatedBlock, SimulationRequest } from "../../domain/simulation.js";
import type { TraceJson, TraceOptions } from "../../domain/tracing/tracer.js";
import type { AccessListEntry } from "../../domain/transaction.js";
import type { CallAnswer, CallJob } from "./call-protocol.js";

export interface WorkerEngineOptions {
  readonly script: URL;
  /** Must survive a structured clone. */
  readonly workerData: unknown;
  readonly maxQueuedCalls: number;
  readonly callTimeoutMs: number;
  readonly maxHeapMiB: number;
}

interface Pending {
  readonly job: CallJob;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Runs calls in a thread of their own: code that a caller chose never delays a checkpoint, and a call that takes too long
 * is ended with its thread, because the interpreter cannot be interrupted.
 */
export class WorkerEngine implements CallEngine {
  #worker: Worker | undefined;
  #running: Pending | undefined;
  #timer: NodeJS.Timeout | undefined;
  #ready = false;
  #closed = false;
  readonly #queue: Pending[] = [];

  constructor(private readonly options: WorkerEngineOptions) {}

  async call(state: StateReference, context: BlockContext, request: CallRequest): Promise<CallOutcome> {
    return (await this.#ask({ kind: "call", state, context, request })) as CallOutcome;
  }

  async accessList(
    state: StateReference,
    context: BlockContext,
    request: CallRequest,
  ): Promise<{ readonly accessList: readonly AccessListEntry[]; readonly outcome: CallOutcome }> {
    type Result = { readonly accessList: readonly AccessListEntry[]; readonly outcome: CallOutcome };
    return (await this.#ask({ kind: "access-list", state, context, request })) as Result;
  }

  async traceBlock(
    parent: BlockHeader,
    block: Block,
    index: number | undefined,
    options: TraceOptions,
  ): Promise<readonly TraceJson[]> {
    return (await this.#ask({ kind: "trace-block", parent, block, index, options })) as readonly TraceJson[];
  }

  async traceCall(
    state: StateReference,
    context: BlockContext,
    request: CallRequest,
    options: TraceOptions,
  ): Promise<TraceJson> {
    return (await this.#ask({ kind: "trace-call", state, context, request, options })) as TraceJson;
  }

  async simulate(parent: BlockHeader, request: SimulationRequest): Promise<readonly SimulatedBlock[]> {
    return (await this.#ask({ kind: "simulate", parent, request })) as readonly SimulatedBlock[];
  }

  /** Ends the thread; what waits is refused. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    for (const pending of [this.#running, ...this.#queue.splice(0)]) pending?.reject(nodeStopping());
    this.#running = undefined;
    await this.#worker?.terminate();
  }

  #ask(job: CallJob): Promise<unknown> {
    if (this.#closed) return Promise.reject(nodeStopping());
    if (this.#queue.length >= this.options.maxQueuedCalls) return Promise.reject(engineBusy());
    return new Promise((resolve, reject) => {
      this.#queue.push({ job, resolve, reject });
      this.#next();
    });
  }

  /** Starts the thread before the first call needs it. */
  warmUp(): void {
    this.#ensureWorker();
  }

  #next(): void {
    if (this.#running !== undefined || this.#closed || this.#queue.length === 0) return;
    const worker = this.#ensureWorker();
    if (!this.#ready) return;
    const pending = this.#queue.shift();
    if (pending === undefined) return;
    this.#running = pending;
    this.#timer = setTimeout(() => {
      this.#settle(worker, (running) => running.reject(callTimedOut(this.options.callTimeoutMs)));
      this.#replace(worker);
    }, this.options.callTimeoutMs);
    worker.postMessage(pending.job);
  }

  #ensureWorker(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const worker = new Worker(this.options.script, {
      workerData: this.options.workerData,
      resourceLimits: { maxOldGenerationSizeMb: this.options.maxHeapMiB },
    });
    this.#worker = worker;
    this.#ready = false;
    worker.on("message", (answer: CallAnswer) => {
      if (worker !== this.#worker) return;
      if (answer.kind === "ready") this.#ready = true;
      else
        this.#settle(worker, (running) => {
          if (answer.kind === "value") running.resolve(answer.value);
          else running.reject(new CodedError(answer.error));
        });
      this.#next();
    });
    worker.on("error", (cause) => this.#onDeath(worker, "it needs more memory than a call may use", cause));
    worker.on("exit", () => this.#onDeath(worker, "the thread that ran it has ended"));
    worker.unref();
    return worker;
  }

  #onDeath(worker: Worker, why: string, cause?: unknown): void {
    if (worker !== this.#worker || this.#closed) return;
    const aborted = (): CodedError =>
      new CodedError({
        code: "call-aborted",
        kind: "unavailable",
        message: `execution aborted: ${why}`,
        cause,
      });
    // A thread that never came up would not come up for the next call either: nobody waits for it.
    if (!this.#ready) for (const pending of this.#queue.splice(0)) pending.reject(aborted());
    this.#settle(worker, (running) => running.reject(aborted()));
    this.#replace(worker);
  }

  #settle(worker: Worker, finish: (running: Pending) => void): void {
    if (worker !== this.#worker) return;
    clearTimeout(this.#timer);
    const running = this.#running;
    this.#running = undefined;
    if (running !== undefined) finish(running);
  }

  #replace(worker: Worker): void {
    if (worker !== this.#worker) return;
    this.#worker = undefined;
    // A thread that is being ended answers nothing any more; nobody waits for its end.
    void worker.terminate();
    this.#next();
  }
}
