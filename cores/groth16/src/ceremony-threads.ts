import type { ProverRequest, ProverResult } from "./prover-messages.js";
import { type CallOptions, ProverThreadPort } from "./prover-thread-port.js";

type Bytes = Uint8Array<ArrayBuffer>;

/** One piece of work for whichever thread is free. */
export interface CeremonyJob {
  /** Where it names what a thread holds: by that thread's number. */
  readonly request: ProverRequest | ((thread: number) => ProverRequest);
  readonly moved?: readonly ArrayBuffer[];
}

const MAX_PENDING = 8;
const MAX_THREADS = 64;

/** Several of the prover's threads, between which independent work is shared out. */
export class CeremonyThreads {
  readonly #ports: readonly ProverThreadPort[];

  constructor(threads: number) {
    const count = Math.max(1, Math.min(MAX_THREADS, Math.floor(threads)));
    this.#ports = Array.from({ length: count }, () => new ProverThreadPort(MAX_PENDING));
  }

  /** Each thread takes the next job when it is done with one. Answers in the order of the jobs; the first failure ends it. */
  async share(jobs: readonly CeremonyJob[], options: CallOptions): Promise<Bytes[]> {
    const results: Bytes[] = [];
    let next = 0;
    const work = async (port: ProverThreadPort, thread: number): Promise<void> => {
      try {
        while (next < jobs.length) {
          const at = next++;
          const { request, moved = [] } = jobs[at] as CeremonyJob;
          const asked = typeof request === "function" ? request(thread) : request;
          results[at] = bytesOf(await port.call(asked, moved, options));
        }
      } finally {
        // Nobody waits for the rest of what has failed; otherwise there is none.
        next = jobs.length;
      }
    };
    await allSettled(this.#ports.map(work));
    return results;
  }

  /** A call in every thread. Answers by their numbers. */
  each(request: (thread: number) => ProverRequest, options: CallOptions): Promise<ProverResult[]> {
    return allSettled(this.#ports.map((port, thread) => port.call(request(thread), [], options)));
  }

  async close(): Promise<void> {
    await Promise.all(this.#ports.map((port) => port.close()));
  }
}

/** Waits for all, so that nothing runs on unobserved, then fails as the first that failed. */
async function allSettled<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}

function bytesOf(result: ProverResult): Bytes {
  const [bytes] = result.kind === "bytes" ? result.bytes : [];
  if (bytes === undefined) throw new TypeError("the prover answered another question");
  return bytes;
}
