import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { gasLimitFor, initialFees, replacementFees } from "./fee-policy.js";

const GWEI = 1_000_000_000n;
const settings = { priorityFeePerGasWei: GWEI, maxFeePerGasCapWei: 500n * GWEI };
const baseFee = fc.bigInt({ min: 0n, max: 400n * GWEI });

describe("fee policy", () => {
  it("pays the tip even when the base fee doubles", () => {
    expect(initialFees(10n * GWEI, settings)).toEqual({
      maxFeePerGasWei: 21n * GWEI,
      maxPriorityFeePerGasWei: GWEI,
    });
  });

  it("never offers more than the cap, and never a tip above the fee", () => {
    fc.assert(
      fc.property(baseFee, (base) => {
        const fees = initialFees(base, settings);
        expect(fees.maxFeePerGasWei <= settings.maxFeePerGasCapWei).toBe(true);
        expect(fees.maxPriorityFeePerGasWei <= fees.maxFeePerGasWei).toBe(true);
      }),
    );
  });

  it("raises both fees by at least a tenth, or gives up at the cap", () => {
    fc.assert(
      fc.property(baseFee, baseFee, (first, later) => {
        const previous = initialFees(first, settings);
        const next = replacementFees(previous, later, settings);
        if (next === undefined) return;
        expect(next.maxFeePerGasWei * 10n >= previous.maxFeePerGasWei * 11n).toBe(true);
        expect(next.maxPriorityFeePerGasWei * 10n >= previous.maxPriorityFeePerGasWei * 11n).toBe(true);
        expect(next.maxFeePerGasWei <= settings.maxFeePerGasCapWei).toBe(true);
      }),
    );
  });

  it("runs out of replacements in bounded time", () => {
    let fees: ReturnType<typeof replacementFees> = initialFees(GWEI, settings);
    let replacements = 0;
    while (fees !== undefined) {
      fees = replacementFees(fees, GWEI, settings);
      replacements += 1;
    }
    expect(replacements).toBeLessThan(60);
  });

  it("leaves room above the estimate", () => {
    expect(gasLimitFor(100_000n)).toBe(135_000n);
  });
});
