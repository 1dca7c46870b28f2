import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { differ } from "./differ.js";
import { generateScenario } from "./generate-scenario.js";
import { runOwn } from "./own-run.js";
import type { Scenario } from "./scenario.js";
import { shrink } from "./shrink.js";

const corpus = fileURLToPath(new URL("./corpus/", import.meta.url));
const FRESH_CASES = 100;
const seed = Date.now() % 1_000_000_000;

describe("this engine beside @ethereumjs/vm", () => {
  it(`agrees on ${FRESH_CASES} fresh scenarios, first seed ${seed}`, async () => {
    for (let i = 0; i < FRESH_CASES; i++) {
      const difference = await differ(generateScenario(seed + i));
      if (difference !== undefined)
        expect.fail(`npm run fuzz -- --cases 1 --seed ${seed + i}: ${difference}`);
    }
  });

  it.each(readdirSync(corpus).filter((file) => file.endsWith(".json")))("agrees on %s", async (file) => {
    const scenario = JSON.parse(readFileSync(corpus + file, "utf8")) as Scenario;
    expect(await differ(scenario)).toBeUndefined();
  });
});

describe("the scenarios", () => {
  it("are the same for the same seed", () => {
    expect(generateScenario(42)).toEqual(generateScenario(42));
    expect(generateScenario(43)).not.toEqual(generateScenario(42));
  });

  it("reach every outcome and every fork", () => {
    const statuses = new Set<string>();
    const forks = new Set<string>();
    for (let i = 0; i < 100; i++) {
      const scenario = generateScenario(i);
      forks.add(scenario.fork);
      for (const { status } of runOwn(scenario).effects) statuses.add(status);
    }
    expect([...statuses].sort()).toEqual(["failed", "refused", "succeeded"]);
    expect(forks.size).toBe(7);
  });

  it("shrink to what a failure needs", async () => {
    const fails = async ({ accounts }: Scenario): Promise<boolean> =>
      accounts.some(({ code }) => code.includes("5a"));
    let scenario = generateScenario(0);
    for (let i = 1; !(await fails(scenario)); i++) scenario = generateScenario(i);
    const smallest = await shrink(scenario, fails);
    expect(smallest.accounts.map(({ code }) => code)).toEqual([["5a"]]);
    expect(smallest.transactions).toEqual([]);
  });
});
