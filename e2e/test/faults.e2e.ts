import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { systemClock } from "@aios/service-kit/system-clock";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findCrashPoints, mixedRuns } from "../src/crash-points.js";
import { FaultBench } from "../src/fault-bench.js";
import { problemsOf } from "../src/fault-matrix.js";

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
/** A sample of each flow's runs; `npm run test:faults` takes them all, and each point alone. */
const RUNS_OF_EACH_FLOW = 2;
const runs = mixedRuns(findCrashPoints(ROOT), RUNS_OF_EACH_FLOW);

describe("whatever dies, the work is done once and paid once", () => {
  let bench: FaultBench;

  beforeAll(async () => {
    bench = await FaultBench.start(systemClock);
  }, 600_000);

  afterAll(() => bench?.stop());

  test("a provider that dies with the lease and never returns is replaced by the other", async () => {
    const { violations, lost, paid } = await bench.loseTheProvider();
    expect(violations).toEqual([]);
    const accounts = bench.local.platform.identities.accounts;
    const survivor = lost === "provider-1" ? accounts["provider-2"] : accounts["provider-1"];
    expect(["provider-1", "provider-2"]).toContain(lost);
    expect(paid?.toLowerCase()).toBe(survivor.address);
  }, 300_000);

  test.each(runs.map((points) => [points.map((point) => point.name).join(", "), points] as const))(
    "%s",
    async (_names, points) => {
      expect(problemsOf(points, await bench.run(points))).toEqual([]);
    },
    600_000,
  );

  test.each([
    ["postgres", "leased"],
    ["consensus", "funded"],
    ["zk-prover", "leased"],
    ["storage", "funded"],
  ] as const)(
    "kill -9 of %s when the job is %s",
    async (process, state) => {
      const { violations } = await bench.killDuring(process, state);
      expect(violations).toEqual([]);
    },
    300_000,
  );
});
