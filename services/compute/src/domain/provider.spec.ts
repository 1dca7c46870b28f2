import type { Address } from "@aios/kernel/identifiers";
import { describe, expect, it } from "vitest";
import { challengeText, checkServerName } from "./provider.js";

const unknown = expect.objectContaining({ code: "server-name-unknown" });

describe("the challenge of a provider's link", () => {
  it("names provider, server, chain and escrow", () => {
    const network = { chainId: 7, jobEscrow: `0x${"e1".repeat(20)}` as Address };
    const text = challengeText("0xab", `0x${"11".repeat(20)}` as Address, "a.example:50061", network);
    expect(text.split("\n")).toEqual([
      "AiOS provider link",
      "version: 2",
      "nonce: 0xab",
      `address: 0x${"11".repeat(20)}`,
      "server: a.example:50061",
      "chain: 7",
      `escrow: 0x${"e1".repeat(20)}`,
    ]);
  });

  it("is made only under the names that are ours, and never under one that could be a further line", () => {
    expect(() => checkServerName("a.example:50061", ["a.example:50061"])).not.toThrow();
    expect(() => checkServerName("[::1]:50061", [])).not.toThrow();
    expect(() => checkServerName("b.example:50061", ["a.example:50061"])).toThrow(unknown);
    for (const bad of ["", "a\nchain: 1", "a b", "a".repeat(256)])
      expect(() => checkServerName(bad, [])).toThrow(unknown);
  });
});
