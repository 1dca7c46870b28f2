import { CodedError } from "@aios/kernel/coded-error";

export interface CircuitBreakerOptions {
  /** Failures in a row that open the circuit. */
  readonly failureThreshold: number;
  readonly firstOpenMs: number;
  readonly maxOpenMs: number;
}

export const DEFAULT_CIRCUIT: CircuitBreakerOptions = {
  failureThreshold: 5,
  firstOpenMs: 250,
  maxOpenMs: 5_000,
};

/** Refuses calls to a peer that does not answer; lets a single probe through after each pause, which doubles. */
export class CircuitBreaker {
  readonly #target: string;
  readonly #options: CircuitBreakerOptions;
  readonly #nowMs: () => number;
  #failures = 0;
  #openForMs: number;
  #openUntilMs = 0;
  #probing = false;

  constructor(target: string, options: CircuitBreakerOptions, nowMs: () => number) {
    this.#target = target;
    this.#options = options;
    this.#nowMs = nowMs;
    this.#openForMs = options.firstOpenMs;
  }

  /** Throws `peer-unavailable` with `retryAfterMs` while open; otherwise the caller must report how the call went. */
  enter(): void {
    if (this.#failures < this.#options.failureThreshold) return;
    const waitMs = this.#openUntilMs - this.#nowMs();
    if (waitMs <= 0 && !this.#probing) {
      this.#probing = true;
      return;
    }
    throw new CodedError({
      code: "peer-unavailable",
      kind: "unavailable",
      message: `${this.#target} cannot be reached just now; try again shortly.`,
      details: { peer: this.#target },
      retryAfterMs: Math.max(1, waitMs, this.#probing ? this.#options.firstOpenMs : 0),
    });
  }

  succeeded(): void {
    this.#failures = 0;
    this.#probing = false;
    this.#openForMs = this.#options.firstOpenMs;
  }

  failed(): void {
    this.#failures += 1;
    if (this.#failures < this.#options.failureThreshold) return;
    if (this.#probing) this.#openForMs = Math.min(this.#openForMs * 2, this.#options.maxOpenMs);
    this.#probing = false;
    this.#openUntilMs = this.#nowMs() + this.#openForMs;
  }

  /** The call ended for a reason that says nothing about the peer. */
  abandoned(): void {
    this.#probing = false;
  }
}
