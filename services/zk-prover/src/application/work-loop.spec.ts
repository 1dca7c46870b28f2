import { MemoryWorkQueue } from "@aios/core-proving-queue/memory-work-queue";
import { LEFT_TO_OTHERS_MS } from "@aios/core-proving-queue/work-policy";
import type { Claim } from "@aios/core-proving-queue/work-queue";
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

const WORK = { group: "model", priority: 0, fingerprint: "first", work: "work" };
const VANISHING = { leaseMs: 1, loaded: [], patienceMs: 0 };

/** Until what is ready has run. */
const turns = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** The rules of the queue, and what the loop did with it. */
class WatchedQueue extends MemoryWorkQueue<string> {
  readonly postponedUntil: number[] = [];

  constructor(private readonly time: ManualClock) {
    super(time, 10);
  }

  /** Work that was begun so often before, and that so many holders vanished over. */
  async demand(
    before: { attempts?: number; abandonments?: number; deadline?: TimestampMs } = {},
  ): Promise<void> {
    this.request({ ...WORK, id: "one", deadline: before.deadline });
    for (let count = 0; count < (before.abandonments ?? 0); count++) {
      await super.claim(VANISHING);
      this.time.advance(VANISHING.leaseMs);
    }
    for (let count = 0; count < (before.attempts ?? 0); count++) {
      const taken = await super.claim(VANISHING);
      if (taken !== undefined) await super.postpone(taken.claim, this.time.now());
    }
  }

  /** Asks for something else under the same name: whoever works on it loses the lease. */
  steal(): void {
    this.request({ ...WORK, id: "one", fingerprint: "second", deadline: undefined });
  }

  override postpone(claim: Claim, until: TimestampMs): Promise<void> {
    this.postponedUntil.push(until);
    return super.postpone(claim, until);
  }
}

async function start(
  work: WorkLoopHooks<string>["work"],
  before: Parameters<WatchedQueue["demand"]>[0] = {},
  options: Partial<typeof OPTIONS> = {},
) {
  const clock = new ManualClock();
  const queue = new WatchedQueue(clock);
  await queue.demand(before);
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
  const loop = new WorkLoop(queue, hooks, clock, { ...OPTIONS, ...options });
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
    const parts = await start((claim) => parts.queue.complete(claim));
    parts.loop.start();
    await parts.ended(1);
    await parts.loop.stop();
    expect(parts.outcomes).toEqual(["done"]);
  });

  it("postpones passing trouble, longer each time, and tries again when it is due", async () => {
    const parts = await start(async (claim) => {
      if (claim.attempts < 3) throw passing;
      await parts.queue.complete(claim);
    });
    parts.loop.start();
    await parts.ended(1);
    expect(parts.queue.postponedUntil).toEqual([200]);
    parts.clock.advance(200);
    parts.loop.ring();
    await parts.ended(2);
    expect(parts.queue.postponedUntil).toEqual([200, 600]);
    parts.clock.advance(400);
    parts.loop.ring();
    await parts.ended(3);
    await parts.loop.stop();
    expect(parts.outcomes).toEqual(["repeated", "repeated", "done"]);
  });

  it("ends work that cannot succeed, and work that failed too often", async () => {
    const wrong = await start(async () => {
      throw final;
    });
    wrong.loop.start();
    await wrong.ended(1);
    await wrong.loop.stop();
    expect(wrong.queue.ended("one")).toEqual({ code: "oracle-disagrees", message: "Wrong.", details: {} });

    const work = async () => {
      throw passing;
    };
    const hopeless = await start(work, { attempts: 59 });
    hopeless.loop.start();
    await hopeless.ended(1);
    await hopeless.loop.stop();
    expect(hopeless.queue.ended("one")).toMatchObject({ code: "peer-unavailable" });
  });

  it("turns an unknown error into `internal` and repeats it a few times only", async () => {
    const work = async () => {
      throw new TypeError("a bug");
    };
    const parts = await start(work, { attempts: 4 });
    parts.loop.start();
    await parts.ended(1);
    await parts.loop.stop();
    expect(parts.queue.ended("one")).toMatchObject({ code: "internal" });
    expect(JSON.stringify(parts.queue.ended("one"))).not.toContain("a bug");
  });

  it("never begins work that too many holders vanished over, and ends it by name", async () => {
    const begun: number[] = [];
    for (const abandonments of [4, 5]) {
      const parts: Awaited<ReturnType<typeof start>> = await start(
        (claim) => {
          begun.push(claim.abandonments);
          return parts.queue.complete(claim);
        },
        { abandonments },
      );
      parts.loop.start();
      await parts.ended(1);
      await parts.loop.stop();
      expect(parts.outcomes).toEqual([abandonments === 5 ? "failed" : "done"]);
      if (abandonments === 5) expect(parts.queue.ended("one")).toMatchObject({ code: "worker-lost" });
      else expect(parts.queue.ended("one")).toBe("done");
    }
    expect(begun).toEqual([4]);
  });

  it("never begins work whose deadline has passed, and ends it by name", async () => {
    const parts = await start((claim) => parts.queue.complete(claim), { deadline: 10_000 as TimestampMs });
    parts.clock.advance(10_000);
    parts.loop.start();
    await parts.ended(1);
    await parts.loop.stop();
    expect(parts.queue.ended("one")).toMatchObject({ code: "deadline-passed" });
  });

  it("ends work past its deadline that it would not take, so that nothing waits for ever", async () => {
    const parts = await start(async () => undefined, { deadline: 10_000 as TimestampMs });
    parts.queue.claim = async () => undefined;
    parts.clock.advance(10_000);
    parts.loop.start();
    await parts.ended(1);
    await parts.loop.stop();
    expect(parts.outcomes).toEqual(["failed"]);
    expect(parts.queue.ended("one")).toMatchObject({
      code: "deadline-passed",
      details: { deadline: 10_000 },
    });
    expect(await parts.queue.depth()).toBe(0);
  });

  it("ends work that takes all its time, by name and after a few tries, whatever ended it says", async () => {
    for (const attempts of [1, 2]) {
      const untilAborted = (_claim: Claim, _work: string, signal: AbortSignal) =>
        new Promise<void>((_resolve, reject) =>
          signal.addEventListener("abort", () => reject(passing), { once: true }),
        );
      const parts = await start(untilAborted, { attempts }, { timeoutMs: 1 });
      parts.loop.start();
      await parts.ended(1);
      await parts.loop.stop();
      expect(parts.outcomes).toEqual([attempts === 1 ? "repeated" : "failed"]);
      if (attempts === 2)
        expect(parts.queue.ended("one")).toMatchObject({ code: "work-timed-out", details: { timeoutMs: 1 } });
    }
  });

  it("leaves what took all its memory to others, and tries again itself where nobody took it", async () => {
    const outOfMemory = new CodedError({ code: "prover-out-of-memory", kind: "unavailable", message: "x" });
    const parts = await start(async (claim) => {
      if (claim.attempts === 1) throw outOfMemory;
      await parts.queue.complete(claim);
    });
    const other = { leaseMs: 1_000, loaded: [], patienceMs: 0 };
    const asked: (readonly string[])[] = [];
    const { claim } = parts.queue;
    parts.queue.claim = (worker) => {
      if (worker.leaves !== undefined) asked.push(worker.leaves);
      return claim.call(parts.queue, worker);
    };
    parts.loop.start();
    await parts.ended(1);
    parts.clock.advance(200);
    const taken = await parts.queue.claim(other);
    expect(taken?.claim).toMatchObject({ id: "one", attempts: 2 });
    await parts.queue.postpone(taken?.claim as Claim, parts.clock.now());
    parts.clock.advance(LEFT_TO_OTHERS_MS - 1_000);
    parts.loop.ring();
    await turns();
    expect(parts.outcomes).toEqual(["repeated"]);
    expect(asked.at(-1)).toEqual(["one"]);
    parts.clock.advance(1_000);
    parts.loop.ring();
    await parts.ended(2);
    await parts.loop.stop();
    expect(parts.outcomes).toEqual(["repeated", "done"]);
    expect(asked.at(-1)).toEqual([]);
  });

  it("does work that a holder vanished over alone, so that it can take nothing with it", async () => {
    const clock = new ManualClock();
    const underWay = new Set<string>();
    const company = new Map<string, string[]>();
    const all = Promise.withResolvers<void>();
    const queue = new MemoryWorkQueue<string>(clock, 10);
    const demand = (id: string): string => queue.request({ ...WORK, id, deadline: undefined, work: id });
    demand("suspect");
    await queue.claim(VANISHING);
    clock.advance(VANISHING.leaseMs);
    for (const id of ["before", "after", "later"]) demand(id);
    const hooks: WorkLoopHooks<string> = {
      async work(claim, work) {
        underWay.add(work);
        const seen = new Set<string>();
        for (let turn = 0; turn < 20; turn++) {
          for (const other of underWay) seen.add(other);
          await Promise.resolve();
        }
        company.set(work, [...seen]);
        underWay.delete(work);
        await queue.complete(claim);
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
    expect([...company.values()].some((together) => together.length === 2)).toBe(true);
    expect([...company.keys()]).toHaveLength(4);
  });

  it("gives up work whose lease was lost, without writing a result", async () => {
    const begun = Promise.withResolvers<void>();
    const parts = await start(async (_claim, _work, signal) => {
      begun.resolve();
      await new Promise((_resolve, reject) =>
        signal.addEventListener("abort", () => reject(passing), { once: true }),
      );
    });
    parts.loop.start();
    await begun.promise;
    parts.queue.steal();
    parts.clock.advance(1_000);
    await parts.ended(1);
    await parts.loop.stop();
    expect(parts.outcomes[0]).toBe("lost");
    expect(parts.queue.ended("one")).toBeUndefined();
  });

  it("gives work back at once when the process stops", async () => {
    const begun = Promise.withResolvers<void>();
    const parts = await start(async (_claim, _work, signal) => {
      begun.resolve();
      await new Promise((_resolve, reject) =>
        signal.addEventListener("abort", () => reject(passing), { once: true }),
      );
    });
    parts.loop.start();
    await begun.promise;
    await parts.loop.stop();
    expect(parts.outcomes).toEqual(["repeated"]);
    expect(parts.queue.ended("one")).toBeUndefined();
    expect(await parts.queue.claim(VANISHING)).toMatchObject({ claim: { id: "one", abandonments: 0 } });
  });
});
