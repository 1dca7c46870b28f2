import { systemClock } from "@aios/service-kit/system-clock";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BACKEND_FAULTS, BackendFaultBench, partitionOf } from "../src/backend-faults.js";
import { OutsideBackends } from "../src/outside-backends.js";

/** Longer than a call waits, so that its callers meet the silence; `npm run test:faults -- backends` takes a minute. */
const PARTITION_MS = 12_000;

describe.skipIf(!OutsideBackends.areAvailable())(
  "on Kafka, Redis and PostgreSQL (skipped where Java, Kafka's jars, redis-server or postgresql are missing)",
  () => {
    let bench: BackendFaultBench;

    beforeAll(async () => {
      bench = await BackendFaultBench.start(systemClock);
    }, 600_000);

    afterAll(() => bench?.stop());

    test("the main job goes through, and all of it can be checked", () => {
      const { inference, receipts, verification } = bench.mainJob;
      expect(inference.job.state).toBe("settled");
      expect(receipts.every((receipt) => receipt.state === "anchored")).toBe(true);
      expect(verification.ok).toBe(true);
    });

    test.each(BACKEND_FAULTS.map((fault) => [fault.name, fault] as const))(
      "a job goes on, once, through this: %s",
      async (_name, fault) => {
        const { violations } = await bench.run(fault);
        expect(violations).toEqual([]);
      },
      300_000,
    );

    test("a service that hears and says nothing costs its callers a wait, not an error without an end", async () => {
      const { violations, refusals } = await bench.run(partitionOf("economy", PARTITION_MS));
      expect(violations).toEqual([]);
      expect(refusals).toBeGreaterThan(0);
    }, 300_000);
  },
);
