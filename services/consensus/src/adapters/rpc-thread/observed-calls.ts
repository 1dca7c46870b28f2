import type { NodeChannel } from "./node-channel.js";
import type { ObservedCall } from "./rpc-protocol.js";

const TOLD_EVERY_MS = 250;
const TOLD_TOGETHER = 1_024;

/** Tells the node what was called, many calls at once. */
export class ObservedCalls {
  #calls: ObservedCall[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly channel: Pick<NodeChannel, "tell">,
    /** Else calls are not counted; what failed inside is told in any case. */
    private readonly isObserved: boolean,
  ) {}

  called(method: string, durationMs: number, errorCode: number | undefined): void {
    if (!this.isObserved) return;
    this.#calls.push([method, durationMs, errorCode]);
    if (this.#calls.length >= TOLD_TOGETHER) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), TOLD_EVERY_MS);
  }

  internalError(method: string, error: unknown): void {
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.channel.tell({ kind: "internal-error", method, message });
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#calls.length > 0) this.channel.tell({ kind: "called", calls: this.#calls });
    this.#calls = [];
  }
}
