import { expect, it } from "vitest";
import { allHold, claimsNotRead } from "./capability.command.js";

const check = (ok: boolean | undefined) => ({ name: "answers", ok, how: "", evidence: {} });

it("calls a capability right only where every check was made and holds", () => {
  expect(allHold([check(true), check(true)])).toBe(true);
  expect(allHold([check(true), check(undefined)])).toBe(false);
  expect(allHold([check(true), check(false)])).toBe(false);
  expect(allHold([])).toBe(false);
});

it("counts the claims that were not read, which nobody checked", () => {
  expect(claimsNotRead([])).toBe(0);
  expect(claimsNotRead([{ attempt: 2 }, { attempt: 1 }])).toBe(0);
  expect(claimsNotRead([{ attempt: 23 }, { attempt: 22 }, { attempt: 4 }])).toBe(3);
});
