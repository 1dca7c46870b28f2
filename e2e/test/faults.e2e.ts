import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { systemClock } from "@aios/service-kit/system-clock";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findCrashPoints, pairUp } from "../src/crash-points.js";
import { FaultBench } from "../src/fault-bench.js";

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
/** One pair in so many, spread over the list; `npm run test:faults` runs every one. */
const SAMPLE_EVERY = 4;
const pairs = pairUp(findCrashPoints(ROOT)).filter((_, index) => index % SAMPLE_EVERY === 0);

describe("whatever dies, the work is done once and paid once", () => {
  let bench: FaultBench;

  beforeAll(async () => {
    bench = await FaultBench.start(systemClock);
  }, 600_000);

  afterAll(() => bench?.stop());

  test.each(pairs.map((points) => [points.map((point) => point.name).join(" and "), points] as const))(
    "%s",
    async (_, points) => {
      const { fired, violations } = await bench.run(points);
      expect(violations).toEqual([]);
      expect(fired).toEqual(points.map((point) => point.name));
    },
    300_000,
  );

  test.each([
    ["postgres", "leased"],
    ["consensus", "funded"],
    ["zk-prover", "leased"],
    ["storage", "funded"],
  ])(
    "kill -9 of %s when the job is %s",
    async (process, state) => {
      const { violations } = await bench.killDuring(process, state);
      expect(violations).toEqual([]);
    },
    300_000,
  );
});
