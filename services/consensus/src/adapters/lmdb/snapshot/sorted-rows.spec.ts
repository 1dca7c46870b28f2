import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SortedRows } from "./sorted-rows.js";

const bytes = (minLength: number, maxLength: number) => fc.uint8Array({ minLength, maxLength });
const hex = (value: Uint8Array): string => Buffer.from(value).toString("hex");

function sorted(rows: readonly (readonly [Uint8Array, Uint8Array])[], into: SortedRows): [string, string][] {
  for (const [key, value] of rows) into.add(key, value);
  return Array.from({ length: into.length }, (_, at) => [hex(into.key(at)), hex(into.value(at))]);
}

const expected = (rows: readonly (readonly [Uint8Array, Uint8Array])[]): [string, string][] =>
  rows
    .map(([key, value]): [string, string] => [hex(key), hex(value)])
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));

describe("rows in flat memory", () => {
  it("come back by ascending key, each with its value, and again after they were forgotten", () => {
    const rows = fc.array(fc.tuple(bytes(32, 32), bytes(0, 200)), { maxLength: 150 });
    fc.assert(
      fc.property(rows, rows, (first, second) => {
        const into = new SortedRows();
        expect(sorted(first, into)).toEqual(expected(first));
        into.clear();
        expect(sorted(second, into)).toEqual(expected(second));
      }),
      { numRuns: 50 },
    );
  });

  it("are so many that they are grouped before they are sorted", () => {
    let seed = 1;
    const next = (): number => {
      seed = (Math.imul(seed, 48_271) >>> 0) % 2_147_483_647;
      return seed & 255;
    };
    const rows = Array.from({ length: 3_000 }, (_, at): [Uint8Array, Uint8Array] => [
      Uint8Array.from({ length: 32 }, next),
      Uint8Array.of(at & 255, at >> 8),
    ]);
    // Some that begin alike.
    for (const [key] of rows.slice(0, 100)) key.set([7, 7]);
    expect(sorted(rows, new SortedRows())).toEqual(expected(rows));
  });
});
