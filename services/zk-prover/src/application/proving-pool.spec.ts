import { MemoryWorkQueue } from "@aios/core-proving-queue/memory-work-queue";
import type { Claim } from "@aios/core-proving-queue/work-queue";
import { ManualClock } from "@aios/kernel/clock";
import { SeededRng } from "@aios/kernel/random";
import { describe, expect, it } from "vitest";
import { SeveredQueue } from "../../test/support/severed-queue.js";
import { WorkLoop } from "./work-loop.js";

const LEASE_MS = 3_000;

/** One worker's process: when it is killed, nothing it does reaches the queue any more. */
class Worker {
  readonly #link: SeveredQueue<number>;
  readonly loop: WorkLoop<number>;

  constructor(
    queue: MemoryWorkQueue<number>,
    clock: ManualClock,
    prove: (claim: Claim, job: number) => Promise<void>,
  ) {
    this.#link = new SeveredQueue(queue);
    const hooks = {
      work: async (claim: Claim, job: number): Promise<void> => {
        // A proof takes several turns of the event loop; the process may be killed between any two.
        for (let turn = 0; turn < 4; turn++) await Promise.resolve();
        await this.#link.through(() => prove(claim, job));
      },
      ended: () => undefined,
      problem: () => undefined,
    };
    const options = { concurrency: 2, leaseMs: LEASE_MS, timeoutMs: 600_000, pollMs: 1_000 };
    this.loop = new WorkLoop(this.#link, hooks, clock, options);
    this.loop.start();
  }

  kill(): void {
    this.#link.isSevered = true;
  }
}

describe("a pool of workers", () => {
  it("proves 1,000 jobs once each while its workers are killed again and again", {
    timeout: 120_000,
  }, async () => {
    const clock = new ManualClock();
    const rng = new SeededRng(8);
    const queue = new MemoryWorkQueue<number>(clock, 1_000);
    const results = new Map<number, number>();
    const all = Promise.withResolvers<void>();
    for (let job = 0; job < 1_000; job++)
      queue.request({
        id: String(job).padStart(4, "0"),
        group: String(job % 7),
        fingerprint: "",
        priority: job % 3,
        deadline: undefined,
        work: job,
      });
    const workers: Worker[] = [];
    const kills = { count: 0, due: 25 };
    const start = (): void => {
      workers.push(new Worker(queue, clock, prove));
    };
    const prove = async (claim: Claim, job: number): Promise<void> => {
      await queue.complete(claim);
      results.set(job, (results.get(job) ?? 0) + 1);
      if (results.size >= kills.due) {
        kills.due += 25;
        kills.count++;
        (workers.splice(rng.below(workers.length), 1)[0] as Worker).kill();
        start();
      }
      if (results.size === 1_000) all.resolve();
    };
    for (let count = 0; count < 3; count++) start();
    const isOver = { value: false };
    void all.promise.then(() => {
      isOver.value = true;
    });
    // Time passes as long as work is left, so that the leases of the dead run out.
    while (!isOver.value) {
      clock.advance(500);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(workers.map(({ loop }) => loop.stop()));
    expect(kills.count).toBe(40);
    expect([...results.values()].every((times) => times === 1)).toBe(true);
    expect(results.size).toBe(1_000);
    expect(await queue.depth()).toBe(0);
  });
});
