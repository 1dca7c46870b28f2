import { durationMs } from "@aios/kernel/units";
import { systemClock } from "@aios/service-kit/system-clock";
import { nowMs } from "./bus-protocol.js";

export const CONCURRENT = 8;

/** Works so many times, some at once; with a pace, each no earlier than it is due. */
export async function paced(
  { times, perSecond }: { readonly times: number; readonly perSecond?: number | undefined },
  work: (number: number) => Promise<void>,
): Promise<void> {
  const startedAtMs = nowMs();
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let own = next++; own < times; own = next++) {
      if (perSecond !== undefined) {
        const dueInMs = startedAtMs + (own / perSecond) * 1_000 - nowMs();
        if (dueInMs > 0) await systemClock.wait(durationMs(Math.ceil(dueInMs)));
      }
      await work(own);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENT }, worker));
}
