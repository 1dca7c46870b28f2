import { splitDigits } from "@aios/datasets/digit-split";
import { loadDigits } from "@aios/datasets/digits";
import { digitAt } from "@aios/datasets/labelled-digits";
import { MainJob, type MainJobResult } from "@aios/main-job/main-job";
import { INFERENCE_PRICE_CAP_WEI, TRAINING } from "@aios/main-job/plan";
import { systemClock } from "@aios/service-kit/system-clock";
import { eventually } from "@aios/testkit/eventually";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { settledInference } from "../src/foreign-proofs.js";
import { LocalPlatform } from "../src/local-platform.js";
import { SilentReport } from "../src/silent-report.js";
import { verifiedJob } from "../src/verified-job.js";

describe("the main job on a chain that four honor nodes finalise", () => {
  let local: LocalPlatform;
  let result: MainJobResult;

  beforeAll(async () => {
    local = await LocalPlatform.start({}, undefined, 4);
    const [developer, business] = [local.client("developer"), local.client("business")];
    try {
      result = await new MainJob({ developer, business }, new SilentReport(), systemClock).run({
        providers: 2,
        digitIndex: 7,
      });
    } catch (error) {
      throw new Error(`${(error as Error).message}\n${local.logs()}`, { cause: error });
    }
  }, 600_000);
  afterAll(() => local?.stop());

  test("settles, and a quorum's certificate over the settlement is verified from outside", () => {
    const { verification } = result;
    expect(verification.checks.filter((check) => check.ok === false)).toEqual([]);
    expect(verification.checks.find((check) => check.name === "finality")).toMatchObject({ ok: true });
    expect(verification.trusted.join(" ")).toContain("The honor set of 4");
    expect(verification.trusted.join(" ")).not.toContain("one block producer");
  });

  test("goes on while one of the four is stopped, and takes it back", { timeout: 300_000 }, async () => {
    const business = local.client("business");
    const { unseen } = splitDigits(await loadDigits(), TRAINING);
    const { modelId } = result.model;
    if (modelId === null) throw new Error("the model has no id on chain");
    const settleOne = (digit: number): Promise<string> =>
      settledInference(business, modelId, digitAt(unseen, digit), INFERENCE_PRICE_CAP_WEI);
    local.platform.supervisor.signal("honor-3", "SIGSTOP");
    const without = await settleOne(11);
    local.platform.supervisor.signal("honor-3", "SIGCONT");
    local.platform.supervisor.signal("honor-4", "SIGKILL");
    const after = await settleOne(12);
    for (const jobId of [without, after]) {
      expect((await verifiedJob(business, jobId)).ok).toBe(true);
      // The certificate over the state comes with the checkpoint after the settlement's.
      await eventually(async () => {
        const { checks } = await verifiedJob(business, jobId);
        expect(checks.find((check) => check.name === "finality")?.ok).toBe(true);
      });
    }
    expect(local.crashes).toEqual(["honor-4"]);
  });
});
