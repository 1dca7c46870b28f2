import { createRequire } from "node:module";
import { Worker } from "node:worker_threads";
import type { EncodedCircuit, HonkEncoder, WitnessToEncode } from "@aios/barretenberg/honk-encoder";
import { outOfMemory } from "@aios/core-groth16/wasm-prover";
import type { ProvableModel } from "@aios/core-zkml/integer-graph";
import { type R1cs, unsatisfiedError } from "@aios/core-zkml/r1cs";
import { CodedError } from "@aios/kernel/coded-error";
import type { Calculations, HonkQuestion } from "../../application/calculations.js";
import type { CalculationReply, CalculationRequest, CalculationResult } from "./calculation-messages.js";

const MAX_PENDING = 64;
const locate = createRequire(import.meta.url);

interface PendingCall {
  resolve(result: CalculationResult): void;
  reject(error: unknown): void;
}

/**
 * A thread beside the one that renews leases, answers calls and reports health. Calls are answered in order, each within
 * seconds on an idle machine, at most 64 wait. Starts on the first call, and again after it has ended. Compiling and
 * writing circuits take some hundreds of megabytes: they are given back, with the thread, once nobody waits for it.
 */
export class CalculationThread implements Calculations, HonkEncoder, AsyncDisposable {
  #worker: Worker | undefined;
  #isClosed = false;
  #nextId = 1;
  readonly #pending = new Map<number, PendingCall>();

  async compile(model: ProvableModel, signal: AbortSignal): Promise<R1cs> {
    const result = await this.#callOnce({ kind: "compile", model }, signal);
    if (result.kind !== "circuit") throw unexpected(result);
    return result.r1cs;
  }

  async circuit(r1cs: R1cs, signal?: AbortSignal): Promise<EncodedCircuit> {
    const result = await this.#callOnce({ kind: "encode-circuit", r1cs: withoutNames(r1cs) }, signal);
    if (result.kind !== "encoded-circuit") throw unexpected(result);
    return result.encoded;
  }

  async witness(wanted: WitnessToEncode, signal?: AbortSignal): Promise<Uint8Array> {
    const own = { ...wanted, r1cs: withoutNames(wanted.r1cs) };
    const result = await this.#call({ kind: "encode-witness", wanted: own }, signal);
    if (result.kind === "unsatisfied") throw unsatisfiedError(wanted.r1cs, result.row);
    if (result.kind !== "encoded-witness") throw unexpected(result);
    return result.bytes;
  }

  async verifyHonk(question: HonkQuestion): Promise<boolean> {
    const result = await this.#call({ kind: "verify-honk", question });
    if (result.kind !== "verdict") throw unexpected(result);
    return result.holds;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const worker = this.#worker;
    if (worker === undefined) return;
    this.#end(worker, threadEnded("it is closed"));
    await worker.terminate();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Gives the memory back that the call took, with the thread, once nobody waits for it. */
  async #callOnce(request: CalculationRequest, signal?: AbortSignal): Promise<CalculationResult> {
    try {
      return await this.#call(request, signal);
    } finally {
      if (this.#pending.size === 0 && this.#worker !== undefined)
        this.#end(this.#worker, threadEnded("nobody waits for it"));
    }
  }

  async #call(request: CalculationRequest, signal?: AbortSignal): Promise<CalculationResult> {
    signal?.throwIfAborted();
    if (this.#isClosed) throw threadEnded("it is closed");
    if (this.#pending.size >= MAX_PENDING) throw threadBusy();
    const id = this.#nextId++;
    const settled = Promise.withResolvers<CalculationResult>();
    this.#pending.set(id, settled);
    // Others may wait for what the thread does next: it ends what it has begun.
    const giveUp = (): void => settled.reject(signal?.reason);
    signal?.addEventListener("abort", giveUp, { once: true });
    try {
      const worker = this.#started();
      // An idle thread must not keep the process alive; one that owes an answer must.
      worker.ref();
      worker.postMessage({ id, request });
      return await settled.promise;
    } finally {
      signal?.removeEventListener("abort", giveUp);
      this.#pending.delete(id);
      if (this.#pending.size === 0) this.#worker?.unref();
    }
  }

  #started(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const worker = new Worker(locate.resolve("@aios/zk-prover/adapters/native/calculation-worker"), {
      name: "calculations",
    });
    worker.on("message", (reply: CalculationReply) => this.#receive(reply));
    worker.on("error", (error) => this.#end(worker, failureOf(error)));
    worker.on("exit", () => this.#end(worker, threadEnded("its thread ended")));
    this.#worker = worker;
    return worker;
  }

  #receive(reply: CalculationReply): void {
    const call = this.#pending.get(reply.id);
    if (reply.type === "result") call?.resolve(reply.result);
    else call?.reject(new CodedError(reply.error));
  }

  #end(worker: Worker, error: CodedError): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    for (const call of [...this.#pending.values()]) call.reject(error);
    void worker.terminate();
  }
}

function failureOf(error: unknown): CodedError {
  const isMemory = error instanceof Error && "code" in error && error.code === "ERR_WORKER_OUT_OF_MEMORY";
  return isMemory
    ? outOfMemory()
    : new CodedError({ code: "internal", kind: "internal", message: "A calculation failed.", cause: error });
}

function threadEnded(reason: string): CodedError {
  return new CodedError({
    code: "prover-stopped",
    kind: "unavailable",
    message: `The prover was stopped: ${reason}.`,
    retryAfterMs: 1_000,
  });
}

function threadBusy(): CodedError {
  return new CodedError({
    code: "prover-busy",
    kind: "unavailable",
    message: "The prover has too much to do.",
    retryAfterMs: 1_000,
  });
}

/** Names are many strings, and errors that need one are made here. */
function withoutNames(r1cs: R1cs): R1cs {
  return { ...r1cs, constraintNames: [], signalNames: [] };
}

function unexpected(result: CalculationResult): TypeError {
  return new TypeError(`the calculation thread answered a ${result.kind}`);
}
