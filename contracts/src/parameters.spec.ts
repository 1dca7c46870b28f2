import { isCodedError } from "@aios/kernel/coded-error";
import { describe, expect, it } from "vitest";
import { PARAMETER_DEFAULTS, parseParameters } from "./parameters.js";

const DEPLOYER = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";

function fieldOf(input: unknown): string | undefined {
  try {
    parseParameters(input, DEPLOYER);
  } catch (error) {
    if (isCodedError(error) && error.code === "invalid-parameters") return error.field;
    throw error;
  }
  return undefined;
}

describe("parseParameters", () => {
  it("fills in defaults, the deployer for missing accounts", () => {
    expect(parseParameters({}, DEPLOYER)).toEqual({
      ...PARAMETER_DEFAULTS,
      treasury: DEPLOYER,
      anchor: DEPLOYER,
      initialWrappedBalances: [],
    });
  });

  it.each([
    [[], "parameters"],
    [{ tresury: DEPLOYER }, "tresury"],
    [{ treasury: "0x12" }, "treasury"],
    [{ minimumStakeWei: 5 }, "minimumStakeWei"],
    [{ minimumStakeWei: "-5" }, "minimumStakeWei"],
    [{ protocolFeeBps: 10_001 }, "protocolFeeBps"],
    [{ protocolFeeBps: 1.5 }, "protocolFeeBps"],
    [{ challengeWindowSeconds: 31 * 86_400 }, "challengeWindowSeconds"],
    [{ initialWrappedBalances: {} }, "initialWrappedBalances"],
    [{ initialWrappedBalances: [{ account: DEPLOYER, amountWei: 1 }] }, "initialWrappedBalances.0.amountWei"],
    [{ initialWrappedBalances: [{ amountWei: "1" }] }, "initialWrappedBalances.0.account"],
  ])("refuses %j and names the field", (input, field) => {
    expect(fieldOf(input)).toBe(field);
  });
});
