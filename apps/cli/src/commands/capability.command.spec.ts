import { expect, it } from "vitest";
import { allHold } from "./capability.command.js";

const check = (ok: boolean | undefined) => ({ name: "answers", ok, how: "", evidence: {} });

it("calls a capability right only where every check was made and holds", () => {
  expect(allHold([check(true), check(true)])).toBe(true);
  expect(allHold([check(true), check(undefined)])).toBe(false);
  expect(allHold([check(true), check(false)])).toBe(false);
  expect(allHold([])).toBe(false);
});
