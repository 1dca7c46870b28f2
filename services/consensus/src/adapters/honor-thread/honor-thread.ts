import { Worker } from "node:worker_threads";
import type { OrderedTransaction } from "@aios/core-honor-node/dag-block";
import { CodedError } from "@aios/kernel/coded-error";
import { nodeStopping } from "../../domain/errors.js";
import type { HonorHost } from "../../domain/honor-ports.js";
import type { HonorView } from "../../domain/honor-view.js";
import type { StakedState } from "../../domain/staking-state.js";
import type { FromHonorThread, HonorAnswers, HonorQuestion, ToHonorThread } from "./honor-protocol.js";
import { packTransactions, unpackTransactions } from "./packed-transactions.js";

const MAX_QUESTIONS = 1_024;
/** Of those with large answers. */
const MAX_DAG_QUESTIONS = 4;

interface Asked {
  readonly kind: HonorQuestion["kind"];
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
}

/**
 * The protocol in a thread of its own: votes, signatures and streams wait for no execution and no JSON-RPC, and they for none
 * of the protocol's cryptography.
 */
export class HonorThread implements HonorView {
  readonly #worker: Worker;
  readonly #host: HonorHost;
  readonly #asked = new Map<number, Asked>();
  #number = 0;
  #isOver = false;
  #onReady: Omit<Asked, "kind"> | undefined;
  #onStopped: (() => void) | undefined;

  constructor(script: URL, workerData: unknown, host: HonorHost) {
    this.#host = host;
    this.#worker = new Worker(script, { workerData });
    this.#worker.on("message", (message: FromHonorThread) => this.#receive(message));
    this.#worker.on("error", (error) => this.#end(error));
    this.#worker.on("exit", () => this.#end(nodeStopping()));
  }

  /** Resolves with the port on which it listens to peers. Throws what kept it from starting. */
  ready(): Promise<number> {
    return new Promise((resolve, reject) => {
      if (this.#isOver) reject(nodeStopping());
      else this.#onReady = { resolve: (port) => resolve(port as number), reject };
    });
  }

  pooled(transactions: readonly OrderedTransaction[], isOwn: boolean): void {
    const packed = packTransactions(transactions);
    this.#post({ kind: "pooled", transactions: packed, isOwn }, [packed.buffer]);
  }

  dropped(ids: readonly string[]): void {
    this.#post({ kind: "dropped", ids });
  }

  executed(height: number, result: StakedState): void {
    this.#post({ kind: "executed", height, result });
  }

  status(): Promise<HonorAnswers["status"]> {
    return this.#ask({ kind: "status" });
  }

  dag(fromTick: number, toTick: number): Promise<HonorAnswers["dag"]> {
    return this.#ask({ kind: "dag", fromTick, toTick });
  }

  decision(height: number): Promise<HonorAnswers["decision"]> {
    return this.#ask({ kind: "decision", height });
  }

  honorSet(number?: number): Promise<HonorAnswers["honor-set"]> {
    return this.#ask({ kind: "honor-set", number });
  }

  handOvers(fromSet: number, limit: number): Promise<HonorAnswers["hand-overs"]> {
    return this.#ask({ kind: "hand-overs", fromSet, limit });
  }

  place(transaction: string): Promise<HonorAnswers["place"]> {
    return this.#ask({ kind: "place", transaction });
  }

  snapshot(height: number): Promise<HonorAnswers["snapshot"]> {
    return this.#ask({ kind: "snapshot", height });
  }

  /** Lets it finish its writes and close its streams. */
  async stop(): Promise<void> {
    if (!this.#isOver)
      await new Promise<void>((resolve) => {
        this.#onStopped = resolve;
        this.#post({ kind: "stop" });
      });
    await this.#worker.terminate();
  }

  #post(message: ToHonorThread, given: readonly ArrayBuffer[] = []): void {
    if (!this.#isOver) this.#worker.postMessage(message, given);
  }

  #ask<K extends HonorQuestion["kind"]>(
    question: Extract<HonorQuestion, { kind: K }>,
  ): Promise<HonorAnswers[K]> {
    if (this.#isOver) return Promise.reject(nodeStopping());
    if (!this.#hasRoomFor(question.kind)) return Promise.reject(busy());
    const number = this.#number++;
    return new Promise<HonorAnswers[K]>((resolve, reject) => {
      const asked = { kind: question.kind, resolve: (answer: unknown) => resolve(answer as HonorAnswers[K]) };
      this.#asked.set(number, { ...asked, reject });
      this.#post({ kind: "ask", number, question });
    });
  }

  #hasRoomFor(kind: HonorQuestion["kind"]): boolean {
    if (this.#asked.size >= MAX_QUESTIONS) return false;
    if (kind !== "dag") return true;
    const others = [...this.#asked.values()].filter((asked) => asked.kind === kind);
    return others.length < MAX_DAG_QUESTIONS;
  }

  #receive(message: FromHonorThread): void {
    switch (message.kind) {
      case "ready":
        this.#onReady?.resolve(message.port);
        this.#onReady = undefined;
        return;
      case "execute":
        this.#host.execute({
          ...message.checkpoint,
          transactions: unpackTransactions(message.transactions),
        });
        return;
      case "gossiped":
        this.#host.gossiped(unpackTransactions(message.transactions));
        return;
      case "decided":
        this.#host.decided(message.height);
        return;
      case "rejected":
        this.#host.rejected(message.ids);
        return;
      case "refused":
        this.#host.refused(message.counts);
        return;
      case "offence":
        this.#host.offence(message.offence);
        return;
      case "log-failed":
        this.#host.logFailed(new Error(message.message), message.attempt);
        return;
      case "failed":
        this.#end(new CodedError(message.error));
        return;
      case "answer":
        this.#asked.get(message.number)?.resolve(message.answer);
        this.#asked.delete(message.number);
        return;
      case "stopped":
        this.#isOver = true;
        this.#onStopped?.();
    }
  }

  #end(error: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#onStopped?.();
    for (const { reject } of this.#asked.values()) reject(error);
    this.#asked.clear();
    if (this.#onReady === undefined) this.#host.failed(error);
    else this.#onReady.reject(error);
  }
}

function busy(): CodedError {
  return new CodedError({
    code: "honor-node-busy",
    kind: "unavailable",
    message: "Too many questions wait for the honor node: try again.",
    retryAfterMs: 500,
  });
}
