import { describe, expect, it } from "vitest";
import { compareVersions } from "./software-version.js";

describe("compareVersions", () => {
  it("orders by numbers, not by text", () => {
    expect(compareVersions("1.10.0", "1.9.9")).toBeGreaterThan(0);
    expect(compareVersions("1.2", "1.2.0-rc.1")).toBe(0);
    expect(compareVersions("", "0.0.1")).toBeLessThan(0);
    expect(compareVersions("x.y", "0")).toBe(0);
  });
});
