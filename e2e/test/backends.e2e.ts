import { splitDigits } from "@aios/datasets/digit-split";
import { loadDigits } from "@aios/datasets/digits";
import { digitAt } from "@aios/datasets/labelled-digits";
import { MainJob, type MainJobResult } from "@aios/main-job/main-job";
import { TRAINING } from "@aios/main-job/plan";
import { runInference } from "@aios/main-job/proven-inference";
import { systemClock } from "@aios/service-kit/system-clock";
import { kafkaIsAvailable, startKafka, type TestKafka } from "@aios/testkit/kafka";
import { redisIsInstalled, startRedis, type TestRedis } from "@aios/testkit/redis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LocalPlatform } from "../src/local-platform.js";
import { SilentReport } from "../src/silent-report.js";

const SERVICES = ["storage", "compute", "zk-prover", "marketplace", "economy", "scoring"];
const available = kafkaIsAvailable() && redisIsInstalled();

describe.skipIf(!available)(
  "on Kafka and Redis (skipped where Java, Kafka's jars or redis-server are missing)",
  () => {
    let kafka: TestKafka;
    let redis: TestRedis;
    let local: LocalPlatform;
    let result: MainJobResult;

    beforeAll(async () => {
      [kafka, redis] = [await startKafka(), await startRedis()];
      const bus = { EVENT_BUS_URL: kafka.url };
      local = await LocalPlatform.start({
        ...Object.fromEntries(SERVICES.map((service) => [service, bus])),
        gateway: { REDIS_URL: redis.url },
      });
      const parties = { developer: local.client("developer"), business: local.client("business") };
      try {
        result = await new MainJob(parties, new SilentReport(), systemClock).run({
          providers: 2,
          digitIndex: 7,
        });
      } catch (error) {
        throw new Error(`${(error as Error).message}\n${local.logs()}`, { cause: error });
      }
    }, 600_000);

    afterAll(async () => {
      await local?.stop();
      await kafka?.stop();
      await redis?.stop();
    });

    test("the main job goes through, and all of it can be checked", () => {
      expect(result.inference.job.state).toBe("settled");
      expect(result.receipts.every((receipt) => receipt.state === "anchored")).toBe(true);
      expect(result.verification.ok).toBe(true);
    });

    test("a job under way while the broker is killed finishes, once", async () => {
      const business = local.client("business");
      const digit = digitAt(splitDigits(await loadDigits(), TRAINING).unseen, 9);
      const [outcome] = await Promise.all([
        runInference(business, result.model.modelId as number, digit, "proof", new SilentReport()),
        kafka.crash(),
      ]);
      expect(outcome.job.state).toBe("settled");
      const payments = await business.jobs.payments(outcome.job.jobId);
      for (const kind of ["escrow", "provider", "prover", "refund"]) {
        expect(payments.filter((payment) => payment.kind === kind)).toHaveLength(1);
      }
    }, 120_000);
  },
);
