import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type ChainTimeParameters,
  chainTimeOf,
  DEFAULT_CHAIN_TIME,
  firstTickOfCycle,
  requireChainTime,
  startOfTickMs,
  tickAt,
} from "./chain-time.js";

const time: ChainTimeParameters = { ...DEFAULT_CHAIN_TIME, genesisTimeMs: 1_000_000 };

describe("chain time", () => {
  it("has slots of 3 s, epochs of 90 s and learning cycles of an hour by default", () => {
    const at = (ms: number) => chainTimeOf(time, tickAt(time, time.genesisTimeMs + ms));
    expect(at(0)).toEqual({ tick: 0, slot: 0, epoch: 0, cycle: 0 });
    expect(at(1_499).tick).toBe(0);
    expect(at(2_999).slot).toBe(0);
    expect(at(3_000).slot).toBe(1);
    expect([at(89_999).epoch, at(90_000).epoch]).toEqual([0, 1]);
    expect([at(3_599_999).cycle, at(3_600_000).cycle]).toEqual([0, 1]);
    expect(tickAt(time, time.genesisTimeMs - 1)).toBe(-1);
  });

  it("cuts every tick into exactly one slot, epoch and cycle, for any parameters", () => {
    const parameters = fc.record({
      genesisTimeMs: fc.nat(),
      tickMs: fc.integer({ min: 1, max: 10_000 }),
      ticksPerSlot: fc.integer({ min: 1, max: 5 }),
      slotsPerEpoch: fc.integer({ min: 1, max: 40 }),
      epochsPerCycle: fc.integer({ min: 1, max: 50 }),
    });
    fc.assert(
      fc.property(parameters, fc.nat(), fc.nat({ max: 9_999 }), (any, tick, offset) => {
        requireChainTime(any);
        const startMs = startOfTickMs(any, tick);
        expect(tickAt(any, startMs + (offset % any.tickMs))).toBe(tick);
        const { cycle } = chainTimeOf(any, tick);
        expect(firstTickOfCycle(any, cycle)).toBeLessThanOrEqual(tick);
        expect(firstTickOfCycle(any, cycle + 1)).toBeGreaterThan(tick);
        const before = chainTimeOf(any, Math.max(0, tick - 1));
        expect(chainTimeOf(any, tick).slot - before.slot).toBeLessThanOrEqual(1);
      }),
    );
  });

  it("names the parameter that cannot be", () => {
    for (const field of ["tickMs", "ticksPerSlot", "slotsPerEpoch", "epochsPerCycle"] as const)
      for (const value of [0, 1.5, -1, Number.NaN])
        expect(() => requireChainTime({ ...time, [field]: value })).toThrow(
          expect.objectContaining({ code: "invalid-chain-time", field }),
        );
    expect(() => requireChainTime({ ...time, genesisTimeMs: -1 })).toThrow(
      expect.objectContaining({ field: "genesisTimeMs" }),
    );
    for (const tick of [-1, 0.5])
      expect(() => chainTimeOf(time, tick)).toThrow(expect.objectContaining({ field: "tick" }));
  });
});
