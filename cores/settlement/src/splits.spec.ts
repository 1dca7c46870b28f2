import { isCodedError } from "@aios/kernel/coded-error";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  affordableProverFee,
  affordableProviderPrice,
  type JobPriceTerms,
  jobCost,
  MAX_AMOUNT_WEI,
  splitJobPayment,
  splitLicencePrice,
} from "./splits.js";

const amount = fc.oneof(
  fc.bigInt({ min: 0n, max: 1_000n }),
  fc.bigInt({ min: 0n, max: 10n ** 27n }),
  fc.bigInt({ min: 0n, max: MAX_AMOUNT_WEI }),
);
const bps = fc.nat({ max: 10_000 });
const terms: fc.Arbitrary<JobPriceTerms> = fc.record({
  providerPriceWei: amount,
  proverFeeWei: amount,
  usageFeeWei: amount,
  royaltyBps: bps,
  protocolFeeBps: bps,
});

function codeOf(action: () => unknown): string | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    return isCodedError(error) ? error.code : String(error);
  }
}

describe("splitJobPayment", () => {
  it("gives the worked example", () => {
    const example = {
      providerPriceWei: 4_000n,
      proverFeeWei: 501n,
      usageFeeWei: 30n,
      royaltyBps: 700,
      protocolFeeBps: 500,
    };
    expect(splitJobPayment(example, 10_000n)).toEqual({
      providerWei: 4_000n,
      proverWei: 501n,
      royaltyWei: 310n,
      protocolFeeWei: 241n,
      totalWei: 5_052n,
      feeBurnedWei: 120n,
      feeTreasuryWei: 121n,
      refundWei: 4_948n,
    });
  });

  it("neither loses nor makes a wei, whatever the terms", () => {
    fc.assert(
      fc.property(terms, amount, (item, cap) => {
        if (jobCost(item).totalWei > cap) {
          expect(codeOf(() => splitJobPayment(item, cap))).toBe("price-above-cap");
          return;
        }
        const split = splitJobPayment(item, cap);
        const parts = [
          split.providerWei,
          split.proverWei,
          split.royaltyWei,
          split.feeBurnedWei,
          split.feeTreasuryWei,
          split.refundWei,
        ];
        expect(parts.reduce((sum, part) => sum + part, 0n)).toBe(cap);
        expect(parts.every((part) => part >= 0n)).toBe(true);
        expect(
          split.feeTreasuryWei - split.feeBurnedWei === 0n ||
            split.feeTreasuryWei - split.feeBurnedWei === 1n,
        ).toBe(true);
      }),
    );
  });

  it("takes no less than its share, however small the price", () => {
    fc.assert(
      fc.property(terms, (item) => {
        const { totalWei, protocolFeeWei } = jobCost(item);
        expect(protocolFeeWei * 10_000n).toBeGreaterThanOrEqual(
          (totalWei - protocolFeeWei) * BigInt(item.protocolFeeBps),
        );
      }),
    );
  });

  it("refuses amounts and shares out of range by name", () => {
    const item = {
      providerPriceWei: 1n,
      proverFeeWei: 0n,
      usageFeeWei: 0n,
      royaltyBps: 0,
      protocolFeeBps: 0,
    };
    expect(codeOf(() => jobCost({ ...item, providerPriceWei: -1n }))).toBe("amount-out-of-range");
    expect(codeOf(() => jobCost({ ...item, proverFeeWei: MAX_AMOUNT_WEI + 1n }))).toBe("amount-out-of-range");
    expect(codeOf(() => jobCost({ ...item, royaltyBps: 10_001 }))).toBe("bps-out-of-range");
    expect(codeOf(() => jobCost({ ...item, protocolFeeBps: 0.5 }))).toBe("bps-out-of-range");
  });
});

describe("affordableProviderPrice", () => {
  it("is the largest price that fits under the cap", () => {
    fc.assert(
      fc.property(terms, amount, ({ providerPriceWei: _, ...item }, cap) => {
        const best = affordableProviderPrice(item, cap);
        if (best === undefined) {
          expect(jobCost({ ...item, providerPriceWei: 0n }).totalWei).toBeGreaterThan(cap);
          return;
        }
        expect(jobCost({ ...item, providerPriceWei: best }).totalWei).toBeLessThanOrEqual(cap);
        if (best < cap)
          expect(jobCost({ ...item, providerPriceWei: best + 1n }).totalWei).toBeGreaterThan(cap);
      }),
    );
  });
});

describe("affordableProverFee", () => {
  it("is the largest fee that fits under the cap", () => {
    fc.assert(
      fc.property(terms, amount, ({ proverFeeWei: _, ...item }, cap) => {
        const cost = (proverFeeWei: bigint) => jobCost({ ...item, proverFeeWei }).totalWei;
        const best = affordableProverFee(item, cap);
        if (best === undefined) {
          expect(cost(0n)).toBeGreaterThan(cap);
          return;
        }
        expect(cost(best)).toBeLessThanOrEqual(cap);
        if (best < MAX_AMOUNT_WEI) expect(cost(best + 1n)).toBeGreaterThan(cap);
      }),
    );
  });
});

describe("splitLicencePrice", () => {
  it("conserves the price and never pays the owner more than it", () => {
    fc.assert(
      fc.property(amount, bps, (price, share) => {
        const split = splitLicencePrice(price, share);
        expect(split.ownerWei + split.feeBurnedWei + split.feeTreasuryWei).toBe(price);
        expect(split.ownerWei).toBeGreaterThanOrEqual(0n);
      }),
    );
  });
});
