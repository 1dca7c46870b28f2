import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DEFAULT_ROYALTY_BPS, modelTerms, type RequestedTerms } from "./model-terms.js";

const good: RequestedTerms = {
  name: "digits",
  description: "",
  contentCid: "bafkreiabc",
  modelCommitmentHex: `0x${"ab".repeat(32)}`,
  licencePriceWei: "1000",
  royaltyBps: 700,
  usageFeeWei: "",
  reportJson: '{"accuracy":0.96}',
};

function refusal(change: Partial<RequestedTerms>): unknown {
  try {
    modelTerms({ ...good, ...change });
    return undefined;
  } catch (error) {
    return error;
  }
}

describe("model terms", () => {
  it("take the default royalty and no usage fee where none is named", () => {
    const terms = modelTerms({ ...good, royaltyBps: 0 });
    expect(terms.royaltyBps).toBe(DEFAULT_ROYALTY_BPS);
    expect(terms.usageFeeWei).toBe(0n);
  });

  it("accept exactly the royalties from 5 to 15 percent", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10_000 }), (royaltyBps) => {
        const inRange = royaltyBps >= 500 && royaltyBps <= 1_500;
        expect(refusal({ royaltyBps }) === undefined).toBe(inRange);
      }),
    );
  });

  it.each([
    ["name", { name: "  " }, "invalid-text"],
    ["contentCid", { contentCid: "" }, "invalid-text"],
    ["modelCommitment", { modelCommitmentHex: "0x12" }, "invalid-hex"],
    ["licencePriceWei", { licencePriceWei: "-1" }, "invalid-unit"],
    ["licencePriceWei", { licencePriceWei: (1n << 128n).toString() }, "amount-out-of-range"],
    ["royaltyBps", { royaltyBps: 499 }, "royalty-out-of-range"],
    ["reportJson", { reportJson: "{" }, "invalid-report"],
  ] as const)("name the bad field %s", (field, change, code) => {
    expect(refusal(change)).toMatchObject({ field, code });
  });
});
