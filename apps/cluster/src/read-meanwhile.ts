import { durationMs } from "@aios/kernel/units";
import type { AiosClient } from "@aios/sdk/client";
import { systemClock } from "@aios/service-kit/system-clock";

const PAUSE = durationMs(500);

/**
 * Reads what each of several services answers, again and again, while somebody orders: whoever only waits for an order asks
 * nothing meanwhile. How the answers were is for the `fetch` of the client to count.
 */
export async function readMeanwhile(reader: AiosClient, goesOn: () => boolean): Promise<void> {
  const reads = [
    () => reader.balances(),
    () => reader.models.list(),
    () => reader.jobs.list(),
    () => reader.providers(),
  ];
  const again = async (read: () => Promise<unknown>): Promise<void> => {
    while (goesOn()) {
      await read().catch(() => undefined);
      await systemClock.wait(PAUSE);
    }
  };
  await Promise.all(reads.map(again));
}
