import type { MessagePort } from "node:worker_threads";
import { CodedError } from "@aios/kernel/coded-error";
import { nodeBusy, nodeSlow } from "../../domain/errors.js";
import type { FromRpcThread, NodeQuestions, QuestionName, ToRpcThread } from "./rpc-protocol.js";

const MAX_QUESTIONS = 1_024;
const TIMEOUT_MS = 15_000;

interface Asked {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

/** The way from the thread that serves JSON-RPC to the one that makes blocks: as many questions at once as it bears. */
export class NodeChannel {
  readonly #asked = new Map<number, Asked>();
  #number = 0;

  constructor(
    private readonly port: Pick<MessagePort, "postMessage">,
    private readonly limits = { questions: MAX_QUESTIONS, timeoutMs: TIMEOUT_MS },
  ) {}

  /** Gives `memory` away. Throws what the answer throws, `node-busy`, `node-timeout`. */
  ask<K extends QuestionName>(
    name: K,
    given: Parameters<NodeQuestions[K]>,
    memory: readonly ArrayBuffer[] = [],
  ): ReturnType<NodeQuestions[K]> {
    return this.#ask(name, given, memory) as ReturnType<NodeQuestions[K]>;
  }

  tell(message: FromRpcThread): void {
    this.port.postMessage(message);
  }

  /** Takes in an answer. */
  receive(message: Extract<ToRpcThread, { kind: "answer" | "refused" }>): void {
    const asked = this.#asked.get(message.number);
    // Nobody waits for one that came too late.
    if (asked === undefined) return;
    this.#asked.delete(message.number);
    clearTimeout(asked.timer);
    if (message.kind === "answer") asked.resolve(message.value);
    else asked.reject(new CodedError(message.error));
  }

  #ask(name: QuestionName, given: readonly unknown[], memory: readonly ArrayBuffer[]): Promise<unknown> {
    if (this.#asked.size >= this.limits.questions) return Promise.reject(nodeBusy());
    const number = this.#number++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#asked.delete(number);
        reject(nodeSlow(this.limits.timeoutMs));
      }, this.limits.timeoutMs);
      this.#asked.set(number, { resolve, reject, timer });
      this.port.postMessage({ kind: "ask", number, name, given } satisfies FromRpcThread, [...memory]);
    });
  }
}
