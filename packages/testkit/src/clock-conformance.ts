import type { Clock } from "@aios/kernel/clock";
import { durationMs } from "@aios/kernel/units";
import { describe, expect, it } from "vitest";

export interface ClockUnderTest {
  readonly clock: Clock;
  /** Lets so much time pass, for clocks that do not move by themselves. */
  pass(ms: number): void;
}

/** Every adapter of `Clock` passes this. */
export function clockConformance(name: string, start: () => ClockUnderTest): void {
  describe(`${name} as Clock`, () => {
    it("tells whole milliseconds that never go back, and waits no less than it was asked to", async () => {
      const { clock, pass } = start();
      const before = clock.now();
      expect(Number.isSafeInteger(before)).toBe(true);
      const waiting = clock.wait(durationMs(20));
      pass(20);
      await waiting;
      // A timer may fire within the millisecond before.
      expect(clock.now()).toBeGreaterThanOrEqual(before + 19);
    });

    it("wakes the shorter of two waits first", async () => {
      const { clock, pass } = start();
      const woken: string[] = [];
      const waits = [
        clock.wait(durationMs(40)).then(() => woken.push("long")),
        clock.wait(durationMs(5)).then(() => woken.push("short")),
      ];
      pass(40);
      await Promise.all(waits);
      expect(woken).toEqual(["short", "long"]);
    });

    it("gives up with the signal's own reason, while it waits and before", async () => {
      const { clock } = start();
      const reason = new Error("enough");
      const controller = new AbortController();
      const waiting = clock.wait(durationMs(1_000_000), controller.signal);
      controller.abort(reason);
      await expect(waiting).rejects.toBe(reason);
      await expect(clock.wait(durationMs(1), controller.signal)).rejects.toBe(reason);
    });

    it("waits longer than a timer can count, until it is told to stop", async () => {
      const { clock, pass } = start();
      const controller = new AbortController();
      let woke = false;
      const waiting = clock.wait(durationMs(2 ** 31 + 5), controller.signal).then(
        () => {
          woke = true;
        },
        () => undefined,
      );
      const sooner = clock.wait(durationMs(5));
      pass(5);
      await sooner;
      controller.abort();
      await waiting;
      expect(woke).toBe(false);
    });
  });
}
