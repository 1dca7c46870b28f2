import { Worker } from "node:worker_threads";
import { addressOf } from "@aios/core-rlp/hex";
import { addressOfPublicKey, type RecoverPublicKey } from "@aios/core-transactions/sender";
import { CodedError } from "@aios/kernel/coded-error";
import type { Address } from "@aios/kernel/identifiers";
import { invalidSignature, nodeStopping, recoveryBusy } from "../../domain/errors.js";
import type { SenderRecovery, SignatureToRecover } from "../../domain/ports.js";
import { ANSWER_BYTES, REQUEST_BYTES, type RecoveryAnswer, type RecoveryBatch } from "./recovery-protocol.js";

export interface RecoveryPoolOptions {
  readonly script: URL;
  readonly workers: number;
  /** Signatures that may wait; one more is refused. */
  readonly maxQueued: number;
  /** Signatures that go to a worker at once. */
  readonly batchSize: number;
}

type Outcome = Address | CodedError;

/** Signatures that were asked for together. */
interface Request {
  readonly outcomes: Outcome[];
  left: number;
  readonly resolve: (outcomes: readonly Outcome[]) => void;
}

interface Waiting {
  readonly signature: SignatureToRecover;
  readonly request: Request;
  /** Its place in the request. */
  readonly index: number;
}

function answer({ request, index }: Waiting, outcome: Outcome): void {
  request.outcomes[index] = outcome;
  if (--request.left === 0) request.resolve(request.outcomes);
}

interface Lane {
  readonly worker: Worker;
  batch: readonly Waiting[];
}

/** So few cost less here than the way to another thread and back. */
const INLINE_LIMIT = 4;

/**
 * Recovers senders on worker threads, ahead of execution. Requests of one turn of the event loop go out together;
 * a few at an idle moment are done at once on this thread. Answers of one thread come in the order of the requests.
 */
export class RecoveryPool implements SenderRecovery {
  #queue: Waiting[] = [];
  #scheduled = false;
  #closed = false;
  readonly #lanes: (Lane | undefined)[];

  constructor(
    private readonly recoverHere: RecoverPublicKey,
    private readonly options: RecoveryPoolOptions,
  ) {
    this.#lanes = new Array<Lane | undefined>(options.workers).fill(undefined);
  }

  /** Signatures that wait for a thread. */
  get queued(): number {
    return this.#queue.length;
  }

  async recover(signature: SignatureToRecover): Promise<Address> {
    const [outcome] = (await this.recoverAll([signature])) as [Outcome];
    if (outcome instanceof CodedError) throw outcome;
    return outcome;
  }

  recoverAll(signatures: readonly SignatureToRecover[]): Promise<readonly Outcome[]> {
    if (this.#closed) return Promise.resolve(signatures.map(nodeStopping));
    const room = Math.max(0, this.options.maxQueued - this.#queue.length);
    const left = Math.min(room, signatures.length);
    const outcomes = new Array<Outcome>(signatures.length);
    for (let index = left; index < signatures.length; index++) outcomes[index] = recoveryBusy();
    if (left === 0) return Promise.resolve(outcomes);
    return new Promise((resolve) => {
      const request: Request = { outcomes, left, resolve };
      for (let index = 0; index < left; index++)
        this.#queue.push({ signature: signatures[index] as SignatureToRecover, request, index });
      if (this.#scheduled) return;
      this.#scheduled = true;
      setImmediate(() => {
        this.#scheduled = false;
        this.#dispatch();
      });
    });
  }

  /** Ends the threads that have nothing to do; the next request starts them again. */
  async rest(): Promise<void> {
    const idle = this.#lanes.map((lane, index) => {
      if (lane === undefined || lane.batch.length > 0) return undefined;
      this.#lanes[index] = undefined;
      return lane.worker.terminate();
    });
    await Promise.all(idle);
  }

  /** Ends the threads; what waits is refused. */
  async close(): Promise<void> {
    this.#closed = true;
    const lanes = this.#lanes.splice(0);
    for (const waiting of [...this.#queue.splice(0), ...lanes.flatMap((lane) => lane?.batch ?? [])])
      answer(waiting, nodeStopping());
    await Promise.all(lanes.map((lane) => lane?.worker.terminate()));
  }

  #dispatch(): void {
    const isIdle = this.#lanes.every((lane) => lane === undefined || lane.batch.length === 0);
    if (this.#lanes.length === 0 || (isIdle && this.#queue.length <= INLINE_LIMIT)) {
      for (const waiting of this.#queue.splice(0)) this.#recoverHere(waiting);
      return;
    }
    for (let index = 0; index < this.#lanes.length && this.#queue.length > 0; index++) {
      const lane = this.#lanes[index] ?? this.#start(index);
      if (lane.batch.length === 0) this.#send(lane, this.#queue.splice(0, this.options.batchSize));
    }
  }

  #recoverHere(waiting: Waiting): void {
    const { messageHash, compact, recoveryId } = waiting.signature;
    const key = this.recoverHere(messageHash, compact, recoveryId);
    answer(waiting, key === undefined ? invalidSignature() : addressOfPublicKey(key));
  }

  #send(lane: Lane, batch: readonly Waiting[]): void {
    lane.batch = batch;
    const requests = new Uint8Array(batch.length * REQUEST_BYTES);
    batch.forEach(({ signature }, index) => {
      const at = index * REQUEST_BYTES;
      requests.set(signature.messageHash, at);
      requests.set(signature.compact, at + 32);
      requests[at + 96] = signature.recoveryId;
    });
    lane.worker.postMessage({ requests } satisfies RecoveryBatch, [requests.buffer]);
  }

  #start(index: number): Lane {
    const worker = new Worker(this.options.script);
    const lane: Lane = { worker, batch: [] };
    this.#lanes[index] = lane;
    worker.unref();
    worker.on("message", ({ answers }: RecoveryAnswer) => this.#onAnswers(lane, answers));
    worker.on("error", () => this.#onDeath(index, lane));
    worker.on("exit", () => this.#onDeath(index, lane));
    return lane;
  }

  /** The thread runs no code but ours, so its end is rare; its batch is done here and the next starts another. */
  #onDeath(index: number, lane: Lane): void {
    if (this.#lanes[index] !== lane) return;
    this.#lanes[index] = undefined;
    for (const waiting of lane.batch) this.#recoverHere(waiting);
    this.#dispatch();
  }

  #onAnswers(lane: Lane, answers: Uint8Array): void {
    const { batch } = lane;
    lane.batch = [];
    this.#dispatch();
    batch.forEach((waiting, index) => {
      const at = index * ANSWER_BYTES;
      const isValid = answers[at] === 1;
      answer(waiting, isValid ? addressOf(answers.subarray(at + 1, at + ANSWER_BYTES)) : invalidSignature());
    });
  }
}
