import { ManualClock } from "@aios/kernel/clock";
import { describe, expect, it } from "vitest";
import { Admission } from "./admission.js";

const clock = new ManualClock();
const SETTINGS = { atOnce: 2, mostWaiting: 3, longestWaitMs: 5_000 };

/** Work that ends when it is told to. */
function job(): { readonly work: () => Promise<void>; readonly end: () => void; begun: boolean } {
  let end: () => void = () => undefined;
  const promise = new Promise<void>((resolve) => {
    end = resolve;
  });
  const own = {
    begun: false,
    end: () => end(),
    work: () => {
      own.begun = true;
      return promise;
    },
  };
  return own;
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("the admission of orders", () => {
  it("works on so many at once and calls the others in their order", async () => {
    const admission = new Admission(SETTINGS, clock);
    const jobs = Array.from({ length: 4 }, job);
    const done = jobs.map(({ work }) => admission.run(work));
    await settled();
    expect(jobs.map(({ begun }) => begun)).toEqual([true, true, false, false]);
    jobs[1]?.end();
    await settled();
    expect(jobs.map(({ begun }) => begun)).toEqual([true, true, true, false]);
    for (const { end } of jobs) end();
    await Promise.all(done);
    expect(admission.size).toBe(0);
  });

  it("refuses at once, with a time to come back, when too many wait", async () => {
    const admission = new Admission(SETTINGS, clock);
    const jobs = Array.from({ length: 5 }, job);
    const done = jobs.map(({ work }) => admission.run(work));
    await expect(admission.run(async () => undefined)).rejects.toMatchObject({
      code: "platform-busy",
      kind: "unavailable",
      retryAfterMs: 5_000,
    });
    for (const { end } of jobs) end();
    await Promise.all(done);
  });

  it("lets nobody wait longer than the bound, and gives the turn to those who still wait", async () => {
    const admission = new Admission({ ...SETTINGS, atOnce: 1 }, clock);
    const [first, late, later] = [job(), job(), job()];
    const running = admission.run(first.work);
    const refused = expect(admission.run(late.work)).rejects.toMatchObject({ code: "platform-busy" });
    clock.advance(4_000);
    const patient = admission.run(later.work);
    await settled();
    clock.advance(1_000);
    await refused;
    first.end();
    await running;
    await settled();
    expect([late.begun, later.begun]).toEqual([false, true]);
    later.end();
    await patient;
    expect(admission.size).toBe(0);
  });

  it("hands the turn on when the work fails", async () => {
    const admission = new Admission({ ...SETTINGS, atOnce: 1 }, clock);
    const failing = admission.run(() => Promise.reject(new Error("no")));
    const next = admission.run(async () => "done");
    await expect(failing).rejects.toThrow("no");
    await expect(next).resolves.toBe("done");
  });
});
