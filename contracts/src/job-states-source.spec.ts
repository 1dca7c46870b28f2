import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

describe("JobStates.sol", () => {
  it("is what the state table generates", async () => {
    const { jobStatesSource } = (await import("../scripts/job-states-source.mjs" as string)) as {
      jobStatesSource: () => string;
    };
    expect(readFileSync(new URL("../solidity/JobStates.sol", import.meta.url), "utf8")).toBe(
      jobStatesSource(),
    );
  });
});
