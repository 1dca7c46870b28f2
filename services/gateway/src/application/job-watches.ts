import type { Job, WatchJobResponse } from "@aios/proto/aios/compute/v1/compute";
import { tooManyStreams } from "../domain/errors.js";
import { metrics } from "../metrics.js";
import type { ComputePeer } from "./peers.js";

export interface JobWatch {
  /** The job at once and at every change, until compute has nothing more to say. */
  readonly changes: AsyncIterator<Job | undefined>;
  /** Gives the account's place free; may be called again. */
  close(): void;
}

/** Watches of jobs, counted per account over all streams of this process. */
export class JobWatches {
  readonly #open = new Map<string, number>();

  constructor(
    private readonly compute: Pick<ComputePeer, "watchJob">,
    private readonly maxPerAccount: number,
  ) {}

  /** Throws `too-many-streams`, and what compute says about a job that the caller may not watch, before any change. */
  async open(account: string, jobId: string, signal: AbortSignal): Promise<JobWatch> {
    if ((this.#open.get(account) ?? 0) >= this.maxPerAccount) throw tooManyStreams();
    this.#count(account, 1);
    let isOpen = true;
    const close = (): void => {
      if (isOpen) this.#count(account, -1);
      isOpen = false;
    };
    try {
      const changes = this.compute.watchJob({ jobId }, { signal })[Symbol.asyncIterator]();
      const first = await changes.next();
      return { changes: jobsOf(first, changes), close };
    } catch (error) {
      close();
      throw error;
    }
  }

  #count(account: string, change: 1 | -1): void {
    const open = (this.#open.get(account) ?? 0) + change;
    if (open <= 0) this.#open.delete(account);
    else this.#open.set(account, open);
    metrics.openStreams.add(change);
  }
}

function jobsOf(
  first: IteratorResult<WatchJobResponse>,
  rest: AsyncIterator<WatchJobResponse>,
): AsyncIterator<Job | undefined> {
  let pending: IteratorResult<WatchJobResponse> | undefined = first;
  const jobOf = (result: IteratorResult<WatchJobResponse>): IteratorResult<Job | undefined> =>
    result.done === true ? { done: true, value: undefined } : { done: false, value: result.value.job };
  return {
    async next() {
      const result = pending ?? (await rest.next());
      pending = undefined;
      return jobOf(result);
    },
    async return() {
      await rest.return?.();
      return { done: true, value: undefined };
    },
  };
}
