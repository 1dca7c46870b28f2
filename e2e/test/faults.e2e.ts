import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { splitDigits } from "@aios/datasets/digit-split";
import { loadDigits } from "@aios/datasets/digits";
import { digitAt } from "@aios/datasets/labelled-digits";
import { INFERENCE_PRICE_CAP_WEI, LICENCE_PRICE_LIMIT_WEI, TRAINING } from "@aios/main-job/plan";
import type { JobState } from "@aios/sdk/api-types";
import type { AiosClient } from "@aios/sdk/client";
import { toHex } from "@aios/sdk/hex";
import { systemClock } from "@aios/service-kit/system-clock";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findCrashPoints, mixedRuns } from "../src/crash-points.js";
import { FaultBench, type FaultResult } from "../src/fault-bench.js";
import { DIGIT_LAYERS, publishRandomModel, violationsOf } from "../src/fault-flows.js";
import { problemsOf } from "../src/fault-matrix.js";
import {
  provenOnAnotherChain,
  rerandomised,
  SettlementSender,
  settledInference,
  settlingEvidence,
} from "../src/foreign-proofs.js";
import { type LieOutcome, LyingBench } from "../src/lies.js";

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
/** A sample of each flow's runs; `npm run test:faults` takes them all, in every flow. */
const RUNS_OF_EACH_FLOW = 2;
const runs = mixedRuns(findCrashPoints(ROOT, "producer"), RUNS_OF_EACH_FLOW);

let bench: FaultBench;

beforeAll(async () => {
  bench = await FaultBench.start(systemClock);
}, 600_000);

afterAll(() => bench?.stop());

/** A job may pass a state between two looks at it; then another job is tried. */
async function killedDuring(process: string, state: JobState): Promise<FaultResult> {
  let result = await bench.killDuring(process, state);
  for (let again = 0; again < 2 && result.fired.length === 0; again++)
    result = await bench.killDuring(process, state);
  return result;
}

describe("whatever dies, the work is done once and paid once", () => {
  test("a provider that dies with the lease and never returns is replaced by the other", async () => {
    const { violations, lost, paid } = await bench.loseTheProvider();
    expect(violations).toEqual([]);
    const accounts = bench.local.platform.identities.accounts;
    const survivor = lost === "provider-1" ? accounts["provider-2"] : accounts["provider-1"];
    expect(["provider-1", "provider-2"]).toContain(lost);
    expect(paid?.toLowerCase()).toBe(survivor.address);
  }, 300_000);

  test.each(runs.map((points) => [points.map((point) => point.id).join(", "), points] as const))(
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
      const { fired, violations } = await killedDuring(process, state);
      expect(fired).toEqual([`${process} at ${state}`]);
      expect(violations).toEqual([]);
    },
    300_000,
  );
});

describe("whoever lies, the buyer gets the right result once, or the money back", () => {
  let lying: LyingBench;
  let caught: LieOutcome;
  let refuted: LieOutcome;
  let forged: LieOutcome;
  let late: LieOutcome;
  let stale: LieOutcome;
  let alone: Promise<LieOutcome>;

  beforeAll(async () => {
    lying = await LyingBench.start(bench.context);
    caught = await lying.buy("wrong-output");
    await lying.shortenLeaseTime();
    alone = (await lying.buyFromNobodyElse("forged-receipt")).outcome;
    // Looked at by the last test.
    alone.catch(() => undefined);
    await lying.shortenDeliveryTime();
    [forged, late, stale] = await Promise.all([
      lying.buy("forged-receipt"),
      lying.buy("withheld", (jobId) => lying.handOverLate(jobId)),
      lying.buy("withheld", (jobId) => lying.handOverStale(jobId)),
    ]);
    // The last one: it costs the liar its stake.
    refuted = await lying.buy("wrong-output");
  }, 300_000);

  afterAll(() => lying?.stop());

  /** The liar had the first lease and lost it for this; the honest one was paid, and all the money is accounted for. */
  function expectHonestWork({ job, payments, placements }: LieOutcome, because: string): void {
    const honest = bench.local.platform.identities.accounts["provider-2"].address;
    expect(violationsOf(job, payments)).toEqual([]);
    const chosen = placements.map(({ candidates, endedBecause }) => [
      candidates.find((candidate) => candidate.chosen)?.provider.toLowerCase(),
      endedBecause,
    ]);
    expect(chosen).toEqual([
      [lying.liar.address, because],
      [honest, "settled"],
    ]);
    expect(payments.find(({ kind }) => kind === "provider")?.account.toLowerCase()).toBe(honest);
  }

  const stepsOf = ({ job }: LieOutcome): string[] => job.steps.map(({ name }) => name);

  test("a wrong output, all its signatures right, is found by the prover before it reaches the chain", () => {
    expectHonestWork(caught, "wrong-output");
    expect(stepsOf(caught).filter((name) => name === "delivered")).toHaveLength(1);
  });

  test("a wrong output that is on chain already is refuted there by a proof of the right one", () => {
    expect(refuted.answers).toEqual(["acknowledged"]);
    expectHonestWork(refuted, "wrong-output");
    expect(stepsOf(refuted).filter((name) => name === "delivered")).toHaveLength(2);
    expect(stepsOf(refuted)).toContain("disproven");
  });

  test("a forged receipt is refused by name, and the job goes to the other", () => {
    expect(forged.answers).toEqual(["receipt-forged"]);
    expectHonestWork(forged, "receipt-forged");
  });

  test("a late result is refused by name, and the job goes to the other", () => {
    // The lease has expired, or has been taken back already.
    expect(["lease-expired", "stale-fencing-token"]).toContain(late.answers[0]);
    expectHonestWork(late, "expired");
  });

  test("a result under an old fencing token is refused by name", () => {
    expect(stale.answers).toEqual(["stale-fencing-token"]);
    expectHonestWork(stale, "expired");
  });

  describe("a proof that is not about this job, sent to the escrow", () => {
    let sender: SettlementSender;
    let business: AiosClient;
    let verifier: string;
    /** Delivered on chain, and not proven as long as the prover is away. */
    let victim: string;
    let settled: string;
    const foreign = new Map<string, string>();

    beforeAll(async () => {
      const { local, modelId, digit } = bench.context;
      const { platform } = local;
      business = local.client("business");
      const { contracts } = await business.protocol();
      verifier = contracts["Groth16ResultVerifier"] as string;
      sender = await SettlementSender.start(local, "investors");
      const developer = local.client("developer");
      const other = await publishRandomModel(bench.context, DIGIT_LAYERS);
      await Promise.all([
        business.models.purchaseLicence(other.modelId as number, LICENCE_PRICE_LIMIT_WEI),
        developer.models.purchaseLicence(modelId, LICENCE_PRICE_LIMIT_WEI),
      ]);
      const { unseen } = splitDigits(await loadDigits(), TRAINING);
      const prove = (buyer: AiosClient, model: number, pixels: Uint8Array): Promise<string> =>
        settledInference(buyer, model, pixels, INFERENCE_PRICE_CAP_WEI);
      const jobs = {
        job: await prove(business, modelId, digit),
        input: await prove(business, modelId, digitAt(unseen, 2)),
        model: await prove(business, other.modelId as number, digit),
        requester: await prove(developer, modelId, digit),
      };
      settled = jobs.job;
      for (const [what, jobId] of Object.entries(jobs))
        foreign.set(what, await settlingEvidence(business, jobId));
      const prepared = await business.jobs.prepare({
        inference: { modelId, input: toHex(digit) },
        verification: "proof",
        priceCapWei: INFERENCE_PRICE_CAP_WEI,
      });
      const { output } = await business.jobs.get(settled);
      const elsewhere = await provenOnAnotherChain(local, business, prepared, output as string);
      expect(elsewhere.jobId).not.toBe(prepared.job.jobId);
      foreign.set("chain", elsewhere.evidence);
      platform.supervisor.abandon("zk-prover");
      await business.jobs.place(prepared);
      victim = prepared.job.jobId;
      await business.jobs.wait(victim, ({ state }) => state === "delivered");
    }, 180_000);

    afterAll(() => sender?.close());

    test.each([
      ["job", "ResultInvalid proof-rejected"],
      ["chain", "ResultInvalid proof-rejected"],
      ["input", "ResultInvalid proof-rejected"],
      ["requester", "ResultInvalid proof-rejected"],
      ["model", "ResultInvalid verifying-key-mismatch"],
    ])("another %s's: refused by name", async (what, error) => {
      const evidence = foreign.get(what) as string;
      expect(await sender.settle(victim, evidence)).toEqual({ error, succeeded: false });
    });

    test("the job of a settled one again, re-randomised: valid as a proof, and refused", async () => {
      const again = rerandomised(foreign.get("job") as string);
      expect(again).not.toBe(foreign.get("job"));
      expect(await sender.outcomeOf(settled, verifier, again)).toBe(FINAL);
      const before = await business.balances();
      expect(await sender.settle(settled, again)).toEqual({
        error: "TransitionNotAllowed",
        succeeded: false,
      });
      expect(await business.balances()).toEqual({ ...before, atBlock: expect.any(Number) });
    });

    test("and the job settles with its own, once", async () => {
      await bench.local.platform.supervisor.revive("zk-prover", 60_000);
      const job = await business.jobs.wait(victim);
      expect(violationsOf(job, await business.jobs.payments(victim))).toEqual([]);
    });
  });

  test("with nobody else to do the work the buyer gets all of the escrow back", async () => {
    const { job, payments, answers } = await alone;
    expect(answers).toEqual(["receipt-forged"]);
    expect(job.state).toBe("refunded");
    expect(payments.map(({ kind }) => kind).sort()).toEqual(["escrow", "refund"]);
    expect(new Set(payments.map(({ amountWei }) => amountWei)).size).toBe(1);
  }, 60_000);
});

/** `Outcome.Final` of IResultVerifier. */
const FINAL = 2;
