import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { aios, basisPoints, durationMs, formatAios, WEI_PER_AIOS, weiAmount } from "./units.js";

const LARGEST = 2n ** 256n - 1n;
const invalid = expect.objectContaining({ code: "invalid-unit", kind: "invalid", field: "x" });

describe("weiAmount", () => {
  it("keeps every 256-bit amount, as bigint and as text", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: LARGEST }), (wei) => {
        expect(weiAmount(wei)).toBe(wei);
        expect(weiAmount(wei.toString())).toBe(wei);
      }),
    );
    expect(weiAmount(LARGEST)).toBe(LARGEST);
  });

  it.each([-1n, LARGEST + 1n, "", " 1", "01", "-1", "1e3", "0x10", "1.0", 1.5, -1, 2 ** 53, Number.NaN])(
    "refuses %s",
    (value) => {
      expect(() => weiAmount(value, "x")).toThrowError(invalid);
    },
  );
});

describe("formatAios", () => {
  it("loses nothing", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), (wei) => {
        const [whole = "", fraction = ""] = formatAios(wei).replace("-", "").split(".");
        const back = BigInt(whole) * WEI_PER_AIOS + BigInt(fraction.padEnd(18, "0"));
        expect(wei < 0n ? -back : back).toBe(wei);
        expect(fraction).not.toMatch(/0$/);
      }),
    );
  });

  it("reads well", () => {
    expect(formatAios(1_500_000_000_000_000_000n)).toBe("1.5");
    expect(formatAios(aios(3))).toBe("3");
    expect(formatAios(-1n)).toBe("-0.000000000000000001");
    expect(formatAios(0n)).toBe("0");
  });
});

describe("whole units", () => {
  it("accepts whole numbers in range", () => {
    fc.assert(fc.property(fc.maxSafeNat(), (value) => durationMs(value) === value));
    fc.assert(fc.property(fc.integer({ min: 0, max: 10_000 }), (value) => basisPoints(value) === value));
  });

  it.each([-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])("refuses %s", (value) => {
    expect(() => durationMs(value, "x")).toThrowError(invalid);
    expect(() => basisPoints(value, "x")).toThrowError(invalid);
  });

  it("refuses more than the whole", () => {
    expect(() => basisPoints(10_001, "x")).toThrowError(invalid);
    expect(() => aios(1.5)).toThrowError();
  });
});
