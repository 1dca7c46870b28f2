import { describe, expect, it } from "vitest";
import {
  byteBitsGadget,
  magnitudeOf,
  signedBits,
  signedBitsGadget,
  upperBits,
} from "./decomposition-gadget.js";
import { firstUnsatisfied, type R1cs } from "./r1cs.js";
import { R1csBuilder, signalTerm } from "./r1cs-builder.js";
import { invertScalar, toScalar } from "./scalar-field.js";

/** All assignments of booleans to the signals after `value` that satisfy the system. */
function solutions(r1cs: R1cs, value: number): number[][] {
  const count = r1cs.variables - 2;
  return Array.from({ length: 2 ** count }, (_, mask) =>
    Array.from({ length: count }, (__, bit) => (mask >> bit) & 1),
  ).filter(
    (bits) => firstUnsatisfied(r1cs, [1n, toScalar(BigInt(value)), ...bits.map(BigInt)]) === undefined,
  );
}

/** The same system with row `skip` made trivial. */
function without(r1cs: R1cs, skip: number): R1cs {
  const trivial = (matrix: R1cs["a"]): R1cs["a"] => {
    const start = skip === 0 ? 0 : (matrix.rowEnds[skip - 1] as number);
    const end = matrix.rowEnds[skip] as number;
    const keep = <T extends Uint32Array>(list: T) => list.filter((_, at) => at < start || at >= end);
    const rowEnds = matrix.rowEnds.map((rowEnd, row) => (row < skip ? rowEnd : rowEnd - (end - start)));
    return { rowEnds, columns: keep(matrix.columns), coefficientIds: keep(matrix.coefficientIds) };
  };
  return { ...r1cs, a: trivial(r1cs.a), b: trivial(r1cs.b), c: trivial(r1cs.c) };
}

function system(write: (builder: R1csBuilder, value: ReturnType<typeof signalTerm>) => void): R1cs {
  const builder = new R1csBuilder();
  write(builder, signalTerm(builder.signal("value")));
  return builder.build();
}

describe("signed bits", () => {
  const r1cs = system((builder, value) => signedBitsGadget(builder, "x", value, 4));

  it("have one solution for each value of their interval and none outside", () => {
    for (let value = -16; value < 16; value++) expect(solutions(r1cs, value)).toEqual([signedBits(value, 4)]);
    for (const value of [-17, 16, 1_000, -1_000]) expect(solutions(r1cs, value)).toEqual([]);
  });

  it("need their sum: without it every combination passes", () => {
    const row = r1cs.constraintNames.findIndex((name) => name.includes("sum to"));
    expect(solutions(without(r1cs, row), 3)).toHaveLength(32);
  });

  it("need every boolean: without one the others may lie", () => {
    // 3 + 16 = 0 + 2 · 1 + 4 · x + 8 · 0 + 16 · 1 with x = 1/4.
    const quarter = invertScalar(4n);
    const forged = [1n, 3n, 0n, 1n, quarter, 0n, 1n];
    expect(firstUnsatisfied(r1cs, forged)).toBe(2);
    expect(firstUnsatisfied(without(r1cs, 2), forged)).toBeUndefined();
  });
});

describe("byte bits", () => {
  const r1cs = system((builder, value) => {
    byteBitsGadget(builder, "x", value);
  });

  it("have one solution for each byte and none outside", () => {
    for (let value = 0; value < 256; value += 5)
      expect(solutions(r1cs, value)).toEqual([upperBits(value).map(Number)]);
    for (const value of [-1, 256, 511, -256]) expect(solutions(r1cs, value)).toEqual([]);
  });

  it("need the lowest bit to be boolean: without it anything passes as a byte", () => {
    const row = r1cs.constraintNames.findIndex((name) => name.includes("bit[0]"));
    expect(solutions(without(r1cs, row), 300)).toHaveLength(128);
  });
});

describe("magnitude", () => {
  it("is the smallest that holds both ends", () => {
    expect(magnitudeOf(0, 0)).toBe(0);
    expect(magnitudeOf(-1, 0)).toBe(0);
    expect(magnitudeOf(0, 1)).toBe(1);
    expect(magnitudeOf(-8, 7)).toBe(3);
    expect(magnitudeOf(-9, 7)).toBe(4);
    expect(magnitudeOf(0, 8)).toBe(4);
  });
});
