import fc from "fast-check";
import { expect, it } from "vitest";
import { NumberSet } from "./number-set.js";

it("holds what a set holds, whatever lies close together", () => {
  const near = fc.tuple(fc.constantFrom(1, 2 ** 32 - 5, 2 ** 48 - 50), fc.nat(40)).map(([a, b]) => a + b);
  const number = fc.oneof(near, fc.integer({ min: 1, max: 2 ** 48 }));
  fc.assert(
    fc.property(fc.array(number, { maxLength: 200 }), fc.array(number), (added, asked) => {
      const set = new NumberSet();
      const expected = new Set<number>();
      for (const one of added) {
        expect(set.add(one)).toBe(!expected.has(one));
        expected.add(one);
      }
      for (const one of [...added, ...asked]) expect(set.has(one)).toBe(expected.has(one));
    }),
  );
  const many = new NumberSet();
  for (let one = 1; one < 20_000; one += 3) many.add(one);
  for (let one = 1; one < 20_000; one++) expect(many.has(one)).toBe(one % 3 === 1);
});
