import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DEFAULT_CHAIN_TIME } from "./chain-time.js";
import { groupOnDuty, type HeardGroup, isOnDuty } from "./duty.js";
import { groupCount } from "./honor-set.js";
import { seatForSender } from "./mempool-split.js";

const time = { ...DEFAULT_CHAIN_TIME, genesisTimeMs: 0 };
const ROTATION_TICKS = 14;
const always: HeardGroup = () => true;
const without =
  (...down: number[]): HeardGroup =>
  (_tick, group) =>
    !down.includes(group);
const duties = (from: number, count: number, heard: HeardGroup): number[] =>
  Array.from({ length: count }, (_, at) => groupOnDuty(time, 21, from + at, heard));

describe("duty", () => {
  it("rotates through the groups, a slot of two ticks each", () => {
    expect(duties(0, 16, always)).toEqual([0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 0, 0]);
  });

  it("passes a silent group over from the following tick until the rotation ends", () => {
    expect(duties(0, 6, without(0))).toEqual([0, 1, 1, 1, 2, 2]);
    expect(duties(4, 4, without(2))).toEqual([2, 3, 3, 3]);
    expect(duties(0, 8, without(0, 1, 2))).toEqual([0, 1, 2, 3, 3, 3, 3, 3]);
    expect(duties(ROTATION_TICKS, 3, without(0))).toEqual([0, 1, 1]);
  });

  it("goes back to a group that fell silent after its first tick only in the next rotation", () => {
    const fellSilent: HeardGroup = (tick, group) => group !== 3 || tick < 7;
    expect(duties(6, 4, fellSilent)).toEqual([3, 3, 4, 4]);
    expect(duties(6 + ROTATION_TICKS, 2, always)).toEqual([3, 3]);
  });

  it("gives all groups their turns again when none is heard", () => {
    expect(new Set(duties(0, ROTATION_TICKS, () => false))).toEqual(new Set([0, 1, 2, 3, 4, 5, 6]));
    expect(groupOnDuty(time, 4, 5, () => false)).toBe(0);
  });

  it("loses one tick of a rotation to each group that is down, whichever and however many are", () => {
    const case_ = fc.integer({ min: 2, max: 20 }).chain((groups) =>
      fc.tuple(
        fc.constant(groups),
        fc.subarray(
          Array.from({ length: groups }, (_, g) => g),
          { maxLength: groups - 1 },
        ),
      ),
    );
    fc.assert(
      fc.property(case_, fc.nat({ max: 50 }), ([groups, down], rotation) => {
        const first = rotation * groups * time.ticksPerSlot;
        let lost = 0;
        for (let tick = first; tick < first + groups * time.ticksPerSlot; tick++)
          if (down.includes(groupOnDuty(time, groups * 3, tick, without(...down)))) lost += 1;
        expect(lost).toBe(down.length);
      }),
    );
  });

  it("is that of all three seats of the group", () => {
    const onDuty = Array.from({ length: 21 }, (_, seat) => seat).filter((seat) =>
      isOnDuty(time, 21, seat, 2, always),
    );
    expect(onDuty).toEqual([1, 8, 15]);
    expect(groupCount(21)).toBe(7);
  });
});

describe("the mempool's split", () => {
  const sender = fc.uint8Array({ minLength: 20, maxLength: 20 });

  it("gives each sender one seat of those on duty, the same on every node", () => {
    fc.assert(
      fc.property(sender, fc.nat(), (address, slot) => {
        const seat = seatForSender(address, slot, [1, 8, 15]);
        expect([1, 8, 15]).toContain(seat);
        expect(seatForSender(address.slice(), slot, [15, 1, 8])).toBe(seat);
      }),
    );
  });

  it("moves nobody but the senders of a seat that falls out", () => {
    fc.assert(
      fc.property(sender, fc.nat(), (address, slot) => {
        const seat = seatForSender(address, slot, [1, 8, 15]);
        if (seat !== 8) expect(seatForSender(address, slot, [1, 15])).toBe(seat);
      }),
    );
  });

  it("splits evenly among the seats and deals anew in each slot", () => {
    const taken = new Map<number, number>();
    const everyone = new Set<number>();
    for (let account = 0; account < 3_000; account++) {
      const address = new Uint8Array(20);
      new DataView(address.buffer).setUint32(16, account);
      const seat = seatForSender(address, 5, [0, 1, 2]);
      taken.set(seat, (taken.get(seat) ?? 0) + 1);
    }
    for (const count of taken.values()) expect(Math.abs(count - 1_000)).toBeLessThan(120);
    for (let slot = 0; slot < 20; slot++) everyone.add(seatForSender(new Uint8Array(20), slot, [0, 1, 2]));
    expect(everyone.size).toBe(3);
  });
});
