import { Interface } from "ethers";
import { describe, expect, it } from "vitest";
import { abi as allErrors } from "../generated/abi/all-errors.js";
import { ERROR_SENTENCES } from "./error-sentences.js";
import { contractRevert, decodeContractError, revertDataOf } from "./errors.js";

const errors = new Interface(allErrors);

describe("ERROR_SENTENCES", () => {
  it("has a sentence for every custom error, and none for others", () => {
    const names = [...new Set(allErrors.map(({ name }) => name))].sort();
    expect(Object.keys(ERROR_SENTENCES).sort()).toEqual(names);
  });

  it("names only arguments that the error has", () => {
    for (const { name, inputs } of allErrors) {
      const known = inputs.map((input) => input.name);
      for (const [, argument] of (ERROR_SENTENCES[name] ?? "").matchAll(/\{(\w+)\}/g)) {
        expect(known, name).toContain(argument);
      }
    }
  });
});

describe("decodeContractError", () => {
  it("shows amounts, times, states and reasons as a person reads them", () => {
    const price = errors.encodeErrorResult("PriceAboveCap", [15n * 10n ** 17n, 10n ** 18n]);
    expect(decodeContractError(price)).toEqual({
      error: "PriceAboveCap",
      args: { totalWei: "1500000000000000000", maxPriceWei: "1000000000000000000" },
      message:
        "The job would cost 1.5 AIOS, above the order's cap of 1 AIOS. Choose a cheaper offer or raise the cap.",
    });
    const late = errors.encodeErrorResult("DeliveryTooLate", [
      `0x${"00".repeat(32)}`,
      1_700_000_000n,
      1_700_000_001n,
    ]);
    expect(decodeContractError(late).message).toContain("2023-11-14T22:13:20.000Z");
    const transition = errors.encodeErrorResult("TransitionNotAllowed", [`0x${"00".repeat(32)}`, 5, 5]);
    expect(decodeContractError(transition).args).toMatchObject({ from: "Settled", action: "verify-final" });
    const reason = `0x${Buffer.from("proof-rejected").toString("hex").padEnd(64, "0")}`;
    const invalid = errors.encodeErrorResult("ResultInvalid", [`0x${"00".repeat(32)}`, reason]);
    expect(decodeContractError(invalid).message).toContain("proof-rejected");
  });

  it("decodes reason strings and compiler checks", () => {
    const standard = new Interface(["error Error(string)", "error Panic(uint256)"]);
    expect(decodeContractError(standard.encodeErrorResult("Error", ["no"]))).toMatchObject({
      error: "Error",
      args: { reason: "no" },
    });
    expect(decodeContractError(standard.encodeErrorResult("Panic", [0x11])).message).toContain(
      "a number overflowed",
    );
  });

  it("shows what it does not know, and never throws", () => {
    for (const data of [
      "0x",
      "",
      "0x12345678",
      "0x1234",
      errors.encodeErrorResult("PriceAboveCap", [1, 2]).slice(0, 40),
    ]) {
      expect(decodeContractError(data)).toMatchObject({ error: "Unknown", args: { data } });
    }
  });
});

describe("revertDataOf", () => {
  it("finds the data wherever providers put it, and nothing where there is none", () => {
    expect(revertDataOf({ data: "0x1234" })).toBe("0x1234");
    expect(revertDataOf({ info: { error: { data: { data: "0xab" } } } })).toBe("0xab");
    expect(revertDataOf(new Error("x", { cause: { error: { data: "0x" } } }))).toBe("0x");
    expect(revertDataOf(new Error("boom"))).toBeUndefined();
    expect(revertDataOf({ data: "text" })).toBeUndefined();
    const loop: Record<string, unknown> = {};
    loop["cause"] = loop;
    expect(revertDataOf(loop)).toBeUndefined();
  });
});

describe("contractRevert", () => {
  it("is a coded error that carries error and arguments", () => {
    const error = contractRevert(errors.encodeErrorResult("ModelUnknown", [7n]));
    expect(error).toMatchObject({
      code: "reverted",
      kind: "conflict",
      details: { error: "ModelUnknown", args: { modelId: "7" } },
    });
  });
});
