import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { honorSet, member } from "../test/sample-sets.js";
import {
  groupCount,
  groupOf,
  honorKeysOf,
  honorSetId,
  isSetSize,
  requireHonorSet,
  seatsOfGroup,
} from "./honor-set.js";

const size = fc.oneof(
  fc.constant(4),
  fc.integer({ min: 2, max: 67 }).map((third) => third * 3),
);

describe("honor set", () => {
  it("has a multiple of three from 6 up, or four members", () => {
    const sizes = Array.from({ length: 25 }, (_, n) => n).filter(isSetSize);
    expect(sizes).toEqual([4, 6, 9, 12, 15, 18, 21, 24]);
    expect(isSetSize(201)).toBe(true);
    expect(isSetSize(6.5)).toBe(false);
  });

  it("deals every seat to one group of three, of four in the local profile", () => {
    expect(groupCount(21)).toBe(7);
    expect(seatsOfGroup(4, 0)).toEqual([0, 1, 2, 3]);
    fc.assert(
      fc.property(size, (n) => {
        const dealt = Array.from({ length: groupCount(n) }, (_, group) => seatsOfGroup(n, group));
        for (const [group, seats] of dealt.entries()) {
          expect(seats).toHaveLength(n === 4 ? 4 : 3);
          for (const seat of seats) expect(groupOf(n, seat)).toBe(group);
        }
        expect(dealt.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: n }, (_, seat) => seat));
      }),
    );
  });

  it("is named by number, members and their order", () => {
    const set = honorSet(6);
    const ids = new Set(
      [set, honorSet(6, 1), honorSet(6, 0, 1), { ...set, members: [...set.members].reverse() }].map(
        honorSetId,
      ),
    );
    expect(ids.size).toBe(4);
    expect(honorSetId(honorSet(6))).toBe(honorSetId(set));
    expect(honorKeysOf("chain", set).publicKeys[5]?.[47]).toBe(6);
  });

  it("refuses what is no set, naming the field", () => {
    const set = honorSet(6);
    const replaced = (first: object) => ({
      ...set,
      members: [{ ...member(9), ...first }, ...set.members.slice(1)],
    });
    const refused: [object, string][] = [
      [{ ...set, members: set.members.slice(1) }, "members"],
      [{ ...set, number: -1 }, "number"],
      [replaced({ account: "0xAB" }), "members.0.account"],
      [replaced({ publicKey: "00" }), "members.0.publicKey"],
      [replaced({ account: member(1).account }), "members.1"],
      [replaced({ publicKey: member(3).publicKey }), "members.3"],
    ];
    for (const [bad, field] of refused)
      expect(() => requireHonorSet(bad as typeof set)).toThrow(
        expect.objectContaining({ code: "invalid-honor-set", field }),
      );
    requireHonorSet(set);
  });
});
