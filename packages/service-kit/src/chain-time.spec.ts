import { ChainClock } from "@aios/kernel/chain-clock";
import { ManualClock } from "@aios/kernel/clock";
import { describe, expect, it, vi } from "vitest";
import { followCheckpoints } from "./chain-time.js";

const START_MS = 1_700_000_000_000;

describe("following the chain's time", () => {
  it("takes the head as old and what follows as new, and asks again when the stream breaks", async () => {
    const machine = new ManualClock(START_MS);
    const chain = new ChainClock(machine);
    const stop = new AbortController();
    const warn = vi.fn();
    const ask = vi.fn<(at: number) => Promise<void>>(async () => undefined);
    let streams = 0;
    const watchCheckpoints = async function* () {
      streams += 1;
      if (streams === 1) {
        yield checkpoint(START_MS / 1_000 - 3_600);
        await ask(chain.now());
        yield checkpoint(START_MS / 1_000 + 30);
        await ask(chain.now());
      }
      if (streams < 4) throw new Error("the node is gone");
      stop.abort();
    };
    const following = followCheckpoints({ watchCheckpoints } as never, chain, machine, { warn }, stop.signal);
    while (!stop.signal.aborted) {
      machine.advance(1_000);
      await Promise.resolve();
    }
    await following;

    expect(ask.mock.calls[0]?.[0]).toBeLessThan(START_MS + 30_000);
    expect(ask.mock.calls[1]?.[0]).toBeGreaterThanOrEqual(START_MS + 30_000);
    expect(streams).toBe(4);
    expect(warn).toHaveBeenCalledOnce();
  });
});

function checkpoint(timestampSeconds: number): { readonly timestampSeconds: number } {
  return { timestampSeconds };
}
