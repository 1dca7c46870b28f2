import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ChainClock } from "./chain-clock.js";
import { ManualClock } from "./clock.js";

const START_MS = 1_700_000_000_000;

function start(): { machine: ManualClock; chain: ChainClock } {
  const machine = new ManualClock(START_MS);
  return { machine, chain: new ChainClock(machine) };
}

describe("the chain's clock", () => {
  it("is the machine's while nothing was heard of the chain, and while the two agree", () => {
    const { machine, chain } = start();
    expect(chain.now()).toBe(START_MS);
    machine.advance(10_900);
    chain.sawNewBlock(START_MS / 1_000 + 10);
    expect(chain.now()).toBe(START_MS + 10_900);
  });

  it("runs ahead of the machine as far as the chain does", () => {
    const { machine, chain } = start();
    chain.sawBlock(START_MS / 1_000 + 60);
    expect(chain.now()).toBe(START_MS + 60_000);
    machine.advance(500);
    expect(chain.now()).toBe(START_MS + 60_500);
  });

  it("follows a chain that is behind by more than word of it can take, and stands until it comes up", () => {
    const { machine, chain } = start();
    expect(chain.now()).toBe(START_MS);
    machine.advance(1_000);
    chain.sawNewBlock(START_MS / 1_000 - 59);
    expect(chain.now()).toBe(START_MS);
    machine.advance(60_000);
    expect(chain.now()).toBe(START_MS + 1_000 + 6_000);
  });

  it("takes an old block for what it is: nothing is known of the time since", () => {
    const { chain } = start();
    chain.sawBlock(START_MS / 1_000 - 86_400);
    expect(chain.now()).toBe(START_MS);
  });

  it("never goes back and is never behind a block", () => {
    const event = fc.record({
      passMs: fc.nat(20_000),
      offsetSeconds: fc.integer({ min: -100, max: 100 }),
      isNew: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 30 }), (events) => {
        const { machine, chain } = start();
        let latest = chain.now();
        for (const { passMs, offsetSeconds, isNew } of events) {
          machine.advance(passMs);
          const timestamp = Math.floor(machine.now() / 1_000) + offsetSeconds;
          if (isNew) chain.sawNewBlock(timestamp);
          else chain.sawBlock(timestamp);
          const now = chain.now();
          expect(now).toBeGreaterThanOrEqual(Math.max(latest, timestamp * 1_000));
          latest = now;
        }
      }),
    );
  });
});
