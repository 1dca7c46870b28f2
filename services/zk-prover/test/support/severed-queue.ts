import type { Claim, Failure, WorkerState, WorkQueue } from "@aios/core-proving-queue/work-queue";
import { CodedError } from "@aios/kernel/coded-error";
import type { TimestampMs } from "@aios/kernel/units";

const away = new CodedError({ code: "dead", kind: "unavailable", message: "This process is dead." });

/** One process's way to a queue that many share: once it is severed, nothing that the process does gets there. */
export class SeveredQueue<T> implements WorkQueue<T> {
  isSevered = false;

  constructor(private readonly queue: WorkQueue<T>) {}

  async through<R>(call: () => Promise<R>): Promise<R> {
    if (this.isSevered) throw away;
    return call();
  }

  claim(worker: WorkerState): ReturnType<WorkQueue<T>["claim"]> {
    return this.through(() => this.queue.claim(worker));
  }

  renew(claim: Claim, leaseMs: number): Promise<boolean> {
    return this.through(() => this.queue.renew(claim, leaseMs));
  }

  postpone(claim: Claim, until: TimestampMs): Promise<void> {
    return this.through(() => this.queue.postpone(claim, until));
  }

  fail(claim: Claim, failure: Failure): Promise<void> {
    return this.through(() => this.queue.fail(claim, failure));
  }

  endOverdue(): Promise<number> {
    return this.through(() => this.queue.endOverdue());
  }

  depth(): Promise<number> {
    return this.through(() => this.queue.depth());
  }

  place(id: string): ReturnType<WorkQueue<T>["place"]> {
    return this.through(() => this.queue.place(id));
  }
}
