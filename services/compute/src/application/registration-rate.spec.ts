import type { Address } from "@aios/kernel/identifiers";
import { expect, it } from "vitest";
import { RegistrationRate } from "./registration-rate.js";

const provider = (digit: number) => `0x${digit.toString(16).padStart(40, "0")}` as Address;

it("lets a network and an address register a few times a minute, and says when it may again", () => {
  let now = 1_000;
  const rate = new RegistrationRate(5, () => now);
  for (let count = 0; count < 3; count++) rate.take("a", provider(1));
  const refused = (afterMs: number) =>
    expect.objectContaining({ code: "too-many-registrations", kind: "rate-limited", retryAfterMs: afterMs });
  expect(() => rate.take("b", provider(1))).toThrow(refused(60_000));
  now += 20_000;
  rate.take("a", provider(2));
  rate.take("a", provider(3));
  expect(() => rate.take("a", provider(4))).toThrow(refused(40_000));
  rate.take("b", provider(4));
  now += 40_000;
  rate.take("a", provider(1));
});
