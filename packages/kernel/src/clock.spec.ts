import { describe, expect, it } from "vitest";
import { ManualClock } from "./clock.js";
import { durationMs } from "./units.js";

describe("ManualClock", () => {
  it("wakes waiters in order of their deadlines, not before", async () => {
    const clock = new ManualClock(100);
    const woken: string[] = [];
    const waits = [
      clock.wait(durationMs(30)).then(() => woken.push("late")),
      clock.wait(durationMs(10)).then(() => woken.push("early")),
    ];
    clock.advance(9);
    await Promise.resolve();
    expect(woken).toEqual([]);
    expect(clock.now()).toBe(109);
    clock.advance(21);
    await Promise.all(waits);
    expect(woken).toEqual(["early", "late"]);
  });

  it("rejects with the signal's reason, before or while waiting", async () => {
    const clock = new ManualClock();
    const controller = new AbortController();
    const waiting = clock.wait(durationMs(5), controller.signal);
    controller.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
    await expect(clock.wait(durationMs(5), controller.signal)).rejects.toThrow("enough");
    clock.advance(10);
  });
});
