import { type Claim, type Failure, leaseLost, type WorkQueue } from "@aios/core-proving-queue/work-queue";
import { ManualClock } from "@aios/kernel/clock";
import { CodedError } from "@aios/kernel/coded-error";
import type { TimestampMs } from "@aios/kernel/units";
import { describe, expect, it } from "vitest";
import { WorkLoop, type WorkLoopHooks } from "./work-loop.js";

const OPTIONS = { concurrency: 1, leaseMs: 3_000, timeoutMs: 60_000, pollMs: 1_000 };
const passing = new CodedError({
  code: "peer-unavailable",
  kind: "unavailable",
  message: "The peer is away.",
});
const final = new CodedError({ code: "oracle-disagrees", kind: "unprocessable", message: "Wrong." });

/** A queue of one piece of work, with the rules of the real ones. */
class OneItemQueue implements WorkQueue<string> {
  token = 0n;
  attempts = 0;
  abandonments = 0;
  deadline: TimestampMs | undefined;
  dueAt = 0;
  held = false;
  failure: Failure | undefined;
  isDone = false;
  renewals = 0;
  isStolen = false;
  changed = Promise.withResolvers<void>();

  constructor(private readonly clock: ManualClock) {}

  async claim() {
    if (this.held || this.isDone || this.failure !== undefined || this.clock.now() < this.dueAt)
      return undefined;
    this.held = true;
    this.attempts++;
    this.token++;
    return {
      claim: {
        id: "one",
        fencingToken: this.token,
        attempts: this.attempts,
        abandonments: this.abandonments,
        deadline: this.deadline,
        traceHeaders: {},
      },
      work: "work",
    };
  }

  async renew() {
    this.renewals++;
    return !this.isStolen;
  }

  async postpone(_claim: Claim, until: TimestampMs) {
    this.held = false;
    this.dueAt = until;
    this.#tell();
  }

  async fail(claim: Claim, failure: Failure) {
    if (claim.fencingToken !== this.token) throw leaseLost();
    this.failure = failure;
    this.#tell();
  }

  complete(): void {
    this.isDone = true;
    this.#tell();
  }

  async depth() {
    return this.isDone || this.failure !== undefined ? 0 : 1;
  }

  #tell(): void {
    this.changed.resolve();
    this.changed = Promise.withResolvers();
  }
}

function start(work: WorkLoopHooks<string>["work"]) {
  const clock = new ManualClock();
  const queue = new OneItemQueue(clock);
  const outcomes: string[] = [];
  let onEnded: (() => void) | undefined;
  const hooks: WorkLoopHooks<string> = {
    work,
    ended(outcome) {
      outcomes.push(outcome);
      onEnded?.();
    },
    problem: () => undefined,
  };
  const loop = new WorkLoop(queue, hooks, clock, OPTIONS);
  const ended = (count: number): Promise<void> =>
    new Promise((resolve) => {
      onEnded = () => {
        if (outcomes.length >= count) resolve();
      };
      onEnded();
    });
  return { clock, queue, outcomes, loop, ended };
}

describe("work loop", () => {
  it("does work once and stops", async () => {
    const parts = start(async () => parts.queue.complete());
    parts.loop.start();
    await parts.ended(1);
    await parts.loop.stop();
    expect(parts.outcomes).toEqual(["done"]);
  });

  it("postpones passing trouble, longer each time, and tries again when it is due", async () => {
    const parts = start(async (claim) => {
      if (claim.attempts < 3) throw passing;
      parts.queue.complete();
    });
    parts.loop.start();
    await parts.ended(1);
    expect(parts.queue.dueAt).toBe(200);
    parts.clock.advance(200);
    parts.loop.ring();
    await parts.ended(2);
    expect(parts.queue.dueAt).toBe(600);
    parts.clock.advance(400);
    parts.loop.ring();
    await parts.ended(3);
    await parts.loop.stop();
    expect(parts.outcomes).toEqual(["repeated", "repeated", "done"]);
  });

  it("ends work that cannot succeed, and work that failed too often", async () => {
    const wrong = start(async () => {
      throw final;
    });
    wrong.loop.start();
    await wrong.ended(1);
    await wrong.loop.stop();
    expect(wrong.queue.failure).toEqual({ code: "oracle-disagrees", message: "Wrong.", details: {} });

    const hopeless = start(async () => {
      throw passing;
    });
    hopeless.queue.attempts = 59;
    hopeless.loop.start();
    await hopeless.ended(1);
    await hopeless.loop.stop();
    expect(hopeless.queue.failure?.code).toBe("peer-unavailable");
  });

  it("turns an unknown error into `internal` and repeats it a few times only", async () => {
    const parts = start(async () => {
      throw new TypeError("a bug");
    });
    parts.queue.attempts = 4;
    parts.loop.start();
    await parts.ended(1);
    await parts.loop.stop();
    expect(parts.queue.failure?.code).toBe("internal");
    expect(JSON.stringify(parts.queue.failure)).not.toContain("a bug");
  });

  it("never begins work that too many holders vanished over, and ends it by name", async () => {
    const begun: number[] = [];
    const work = (parts: ReturnType<typeof start>) => async (claim: Claim) => {
      begun.push(claim.abandonments);
      parts.queue.complete();
    };
    for (const abandonments of [4, 5]) {
      const parts: ReturnType<typeof start> = start((claim) => work(parts)(claim));
      parts.queue.abandonments = abandonments;
      parts.loop.start();
      await parts.ended(1);
      await parts.loop.stop();
      expect(parts.outcomes).toEqual([abandonments === 5 ? "failed" : "done"]);
      expect(parts.queue.failure?.code).toBe(abandonments === 5 ? "worker-lost" : undefined);
    }
    expect(begun).toEqual([4]);
  });

  it("never begins work whose deadline has passed, and ends it by name", async () => {
    const parts = start(async () => parts.queue.complete());
    parts.clock.advance(10_000);
    parts.queue.deadline = 10_000 as TimestampMs;
    parts.loop.start();
    await parts.ended(1);
    await parts.loop.stop();
    expect(parts.queue).toMatchObject({ isDone: false, failure: { code: "deadline-passed" } });
  });

  it("does work that a holder vanished over alone, so that it can take nothing with it", async () => {
    const clock = new ManualClock();
    const waiting = ["before", "suspect", "after", "later"];
    const underWay = new Set<string>();
    const company = new Map<string, string[]>();
    const all = Promise.withResolvers<void>();
    let token = 0n;
    const queue: WorkQueue<string> = {
      async claim() {
        const id = waiting.shift();
        if (id === undefined) return undefined;
        const abandonments = id === "suspect" ? 1 : 0;
        return {
          claim: {
            id,
            fencingToken: ++token,
            attempts: 1,
            abandonments,
            deadline: undefined,
            traceHeaders: {},
          },
          work: id,
        };
      },
      renew: async () => true,
      postpone: async ({ id }) => void waiting.push(id),
      fail: async () => undefined,
      depth: async () => waiting.length,
    };
    const hooks: WorkLoopHooks<string> = {
      async work(_claim, work) {
        underWay.add(work);
        const seen = new Set<string>();
        for (let turn = 0; turn < 20; turn++) {
          for (const other of underWay) seen.add(other);
          await Promise.resolve();
        }
        company.set(work, [...seen]);
        underWay.delete(work);
      },
      ended: () => {
        if (company.size === 4) all.resolve();
      },
      problem: all.reject,
    };
    const loop = new WorkLoop(queue, hooks, clock, { ...OPTIONS, concurrency: 2 });
    loop.start();
    await all.promise;
    await loop.stop();
    expect(company.get("suspect")).toEqual(["suspect"]);
    expect([...company.keys()]).toHaveLength(4);
  });

  it("gives up work whose lease was lost, without writing a result", async () => {
    const begun = Promise.withResolvers<void>();
    const parts = start(async (_claim, _work, signal) => {
      begun.resolve();
      await new Promise((_resolve, reject) =>
        signal.addEventListener("abort", () => reject(passing), { once: true }),
      );
    });
    parts.loop.start();
    await begun.promise;
    parts.queue.isStolen = true;
    parts.clock.advance(1_000);
    await parts.ended(1);
    await parts.loop.stop();
    expect(parts.outcomes).toEqual(["lost"]);
    expect(parts.queue).toMatchObject({ failure: undefined, isDone: false, renewals: 1 });
  });

  it("gives work back at once when the process stops", async () => {
    const begun = Promise.withResolvers<void>();
    const parts = start(async (_claim, _work, signal) => {
      begun.resolve();
      await new Promise((_resolve, reject) =>
        signal.addEventListener("abort", () => reject(passing), { once: true }),
      );
    });
    parts.loop.start();
    await begun.promise;
    await parts.loop.stop();
    expect(parts.queue).toMatchObject({ held: false, dueAt: 0, failure: undefined });
    expect(parts.outcomes).toEqual(["repeated"]);
  });
});
