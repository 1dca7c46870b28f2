import type { ProverRequest } from "@aios/core-groth16/prover-messages";
import { ProverThreadPort } from "@aios/core-groth16/prover-thread-port";

type Kind = ProverRequest["kind"];

interface Span {
  readonly port: ProverThreadPort;
  readonly kind: Kind;
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * How long the prover's threads worked on each kind of request, as their host sees it: a thread answers its requests one
 * after the other, so it began when the one before was answered.
 */
export class ThreadTimes implements Disposable {
  readonly #call = ProverThreadPort.prototype.call;
  #spans: Span[] = [];

  constructor() {
    const { call } = ProverThreadPort.prototype;
    const spans = (): Span[] => this.#spans;
    ProverThreadPort.prototype.call = async function (request, moved, options) {
      const fromMs = performance.now();
      const result = await call.call(this, request, moved, options);
      spans().push({ port: this, kind: request.kind, fromMs, toMs: performance.now() });
      return result;
    };
  }

  /** The longest any thread took for each kind since the last call. */
  take(): ReadonlyMap<Kind, number> {
    const longest = new Map<Kind, number>();
    const freeAt = new Map<ProverThreadPort, number>();
    for (const { port, kind, fromMs, toMs } of this.#spans) {
      const tookMs = toMs - Math.max(fromMs, freeAt.get(port) ?? 0);
      freeAt.set(port, toMs);
      longest.set(kind, Math.max(longest.get(kind) ?? 0, tookMs));
    }
    this.#spans = [];
    return longest;
  }

  [Symbol.dispose](): void {
    ProverThreadPort.prototype.call = this.#call;
  }
}
