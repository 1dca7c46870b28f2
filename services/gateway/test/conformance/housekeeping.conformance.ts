import type { TimestampMs } from "@aios/kernel/units";
import { expect, it } from "vitest";
import type { Housekeeping } from "../../src/domain/ports.js";

const START = 1_900_000_000_000 as TimestampMs;
const LONG_MS = 10_000_000;

/**
 * What every `Housekeeping` does. `keep` stores one row that is still of use at the time, and for less than
 * ten million milliseconds more; `crash` ends the backend in the middle and brings it back.
 */
export function housekeepingConformance(
  open: () => Housekeeping,
  keep: (now: TimestampMs) => Promise<void>,
  crash: () => Promise<void>,
): void {
  it("removes what expired, each once, and says how much, however many tidy up at once", async () => {
    await open().removeExpired(START);
    await keep(START);
    await keep(START);
    expect(await open().removeExpired(START)).toBe(0);
    await crash();
    const later = (START + LONG_MS) as TimestampMs;
    const removed = await Promise.all([1, 2, 3].map(() => open().removeExpired(later)));
    expect(removed.reduce((sum, count) => sum + count)).toBe(2);
    expect(await open().removeExpired(later)).toBe(0);
  });
}
