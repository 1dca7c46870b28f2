import { SERVICES } from "@aios/service-kit/local-instance";
import { expect, it } from "vitest";
import { memoryBudgetOf, PLATFORM_RESIDENT_MIB } from "./memory-budget.js";

it("a platform of one process of everything, two providers and four honor nodes fits its budget", () => {
  const processes = ["postgres", ...SERVICES, "provider-1", "provider-2", "honor-2", "honor-3", "honor-4"];
  const residentMiB = processes.reduce((sum, name) => sum + memoryBudgetOf(name).residentMiB, 0);
  expect(residentMiB).toBeLessThanOrEqual(PLATFORM_RESIDENT_MIB);
});

it("knows no budget of what does not run", () => {
  expect(() => memoryBudgetOf("kafka")).toThrow(RangeError);
});
