import { Worker } from "node:worker_threads";
import { monotonicMs } from "@aios/service-kit/system-clock";
import { errorAcross } from "../../domain/error-across.js";
import type { SignedTransaction } from "../../domain/transaction.js";
import { packTransactions } from "./packed-transactions.js";
import type { FromRpcThread, NodeQuestions, ToRpcThread } from "./rpc-protocol.js";
import type { SharedHead } from "./shared-head.js";

/** What the thread tells, for metrics and logs. */
export interface RpcThreadObserver {
  called(method: string, durationMs: number, errorCode: number | undefined): void;
  internalError(method: string, error: unknown): void;
  /** The thread ended by itself, for the how manieth time; another takes its place. */
  ended(error: unknown, times: number): void;
}

/** What its script is started with, beside what its composition adds. */
export interface RpcListening {
  readonly host: string;
  /** 0 picks a free port, the first time. */
  readonly port: number;
  readonly head: SharedArrayBuffer;
}

export interface RpcThreadOptions {
  readonly script: URL;
  /** Must survive a structured clone. */
  readonly workerData: object;
  readonly host: string;
  readonly port: number;
  readonly maxHeapMiB: number;
  readonly head: SharedHead;
  readonly answers: Partial<NodeQuestions>;
  readonly observer: RpcThreadObserver;
}

const FIRST_PAUSE_MS = 50;
const MAX_DOUBLINGS = 7;
/** A thread that served for so long has not failed at its start. */
const SETTLED_MS = 60_000;
/** For requests that are being answered; then it is ended. */
const STOP_MS = 10_000;

/**
 * JSON-RPC in a thread of its own: sockets, parsing, checks and answers take no time from whoever makes blocks. A thread
 * that ends by itself is replaced, on the same port; its connections are gone with it.
 */
export class RpcThread {
  #worker: Worker | undefined;
  #port: number;
  #startedAt = 0;
  #failures = 0;
  #ends = 0;
  #wantsAdmitted = false;
  readonly #admitted: SignedTransaction[] = [];
  #isLeaving = false;
  #restart: NodeJS.Timeout | undefined;
  #isStopping = false;
  #onStopped: () => void = () => {};

  constructor(private readonly options: RpcThreadOptions) {
    this.#port = options.port;
  }

  /** Resolves with the port once it listens. Throws what kept it from that: `EADDRINUSE` where the port is taken. */
  async start(): Promise<number> {
    let isListening = false;
    const port = await new Promise<number>((resolve, reject) =>
      this.#open(
        (found) => {
          isListening = true;
          resolve(found);
        },
        (error) => (isListening ? this.#replace(error) : reject(error)),
      ),
    );
    this.#port = port;
    return port;
  }

  /** A checkpoint is on disk; `finalized` is the highest whose root is attested. */
  stored(height: number, finalized: number): void {
    this.options.head.stored(height, finalized);
    this.#post({ kind: "stored", height });
  }

  /** Those of one turn are told together. */
  admitted(transaction: SignedTransaction): void {
    if (!this.#wantsAdmitted) return;
    this.#admitted.push(transaction);
    if (this.#admitted.length === 1) setImmediate(() => this.#tellAdmitted());
  }

  /** Callers over HTTP are told to connect elsewhere. */
  leave(): void {
    this.#isLeaving = true;
    this.#post({ kind: "leaving" });
  }

  /** Lets it answer what it was asked, for a while. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#restart);
    const worker = this.#worker;
    if (worker === undefined) return;
    let limit: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      limit = setTimeout(resolve, STOP_MS);
      this.#onStopped = resolve;
      this.#post({ kind: "stop" });
    });
    clearTimeout(limit);
    await worker.terminate();
  }

  #open(onListening: (port: number) => void, onEnd: (error: Error) => void): void {
    const { script, workerData, host, maxHeapMiB, head } = this.options;
    const listening: RpcListening = { host, port: this.#port, head: head.memory };
    const worker = new Worker(script, {
      workerData: { ...workerData, ...listening },
      resourceLimits: { maxOldGenerationSizeMb: maxHeapMiB },
    });
    this.#worker = worker;
    this.#wantsAdmitted = false;
    this.#startedAt = monotonicMs();
    const end = (error: Error): void => {
      if (this.#worker !== worker) return;
      this.#worker = undefined;
      this.#onStopped();
      void worker.terminate().then(() => onEnd(error));
    };
    worker.on("message", (message: FromRpcThread) => {
      if (this.#worker !== worker) return;
      if (message.kind === "listening") onListening(message.port);
      else if (message.kind === "failed") end(startFailure(message));
      else this.#receive(worker, message);
    });
    worker.on("error", (cause) => end(cause instanceof Error ? cause : new Error(String(cause))));
    worker.on("exit", () => end(new Error("the thread that serves JSON-RPC has ended")));
  }

  #receive(worker: Worker, message: Exclude<FromRpcThread, { kind: "listening" | "failed" }>): void {
    const { observer } = this.options;
    switch (message.kind) {
      case "ask":
        void this.#answer(worker, message);
        return;
      case "interest":
        this.#wantsAdmitted = message.admitted;
        return;
      case "called":
        for (const [method, durationMs, code] of message.calls) observer.called(method, durationMs, code);
        return;
      case "internal-error":
        observer.internalError(message.method, new Error(message.message));
        return;
      case "stopped":
        this.#onStopped();
    }
  }

  #tellAdmitted(): void {
    if (this.#admitted.length === 0) return;
    const transactions = packTransactions(this.#admitted.splice(0));
    this.#worker?.postMessage({ kind: "admitted", transactions } satisfies ToRpcThread, [
      transactions.buffer,
    ]);
  }

  async #answer(worker: Worker, { number, name, given }: Extract<FromRpcThread, { kind: "ask" }>) {
    const { answers } = this.options;
    try {
      const answer = answers[name] as ((...given: readonly unknown[]) => Promise<unknown>) | undefined;
      if (answer === undefined) throw new Error(`the node has no answer to ${name}`);
      const value = await answer.apply(answers, [...given]);
      // Whoever is told that a transaction was admitted finds it among those that were.
      this.#tellAdmitted();
      worker.postMessage({ kind: "answer", number, value } satisfies ToRpcThread);
    } catch (error) {
      worker.postMessage({ kind: "refused", number, error: errorAcross(error) } satisfies ToRpcThread);
    }
  }

  #post(message: ToRpcThread): void {
    this.#worker?.postMessage(message);
  }

  /** Another after a while, which is longer each time that one ends at once. */
  #replace(error: Error): void {
    if (this.#isStopping) return;
    this.#ends += 1;
    this.#failures = monotonicMs() - this.#startedAt > SETTLED_MS ? 0 : this.#failures + 1;
    this.options.observer.ended(error, this.#ends);
    const pauseMs = FIRST_PAUSE_MS * 2 ** Math.min(this.#failures, MAX_DOUBLINGS);
    this.#restart = setTimeout(() => {
      this.#open(
        () => {
          if (this.#isLeaving) this.leave();
        },
        (again) => this.#replace(again),
      );
    }, pauseMs);
  }
}

/** As the system named it. */
function startFailure({
  message,
  code,
}: {
  readonly message: string;
  readonly code: string | undefined;
}): Error {
  return code === undefined ? new Error(message) : Object.assign(new Error(message), { code });
}
