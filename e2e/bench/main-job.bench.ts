// `npm run bench -- main-job`: the main job's figures on this machine, through the gateway only.
import { splitDigits } from "@aios/datasets/digit-split";
import { loadDigits } from "@aios/datasets/digits";
import { digitAt, type LabelledDigits } from "@aios/datasets/labelled-digits";
import { MainJob } from "@aios/main-job/main-job";
import { INFERENCE_PRICE_CAP_WEI, TRAINING } from "@aios/main-job/plan";
import { runInference } from "@aios/main-job/proven-inference";
import type { Job } from "@aios/sdk/api-types";
import type { AiosClient } from "@aios/sdk/client";
import { toHex } from "@aios/sdk/hex";
import { systemClock } from "@aios/service-kit/system-clock";
import { Contract, JsonRpcProvider, Wallet } from "ethers";
import { type Figure, percentile, printFigures } from "../src/figures.js";
import { LocalPlatform } from "../src/local-platform.js";
import { persistently } from "../src/persistence.js";
import { residentMiB } from "../src/resident-memory.js";
import { SilentReport } from "../src/silent-report.js";

const SUITE = "main-job";
const PROVEN_RUNS = 20;
const CONCURRENT_REQUESTS = 200;
const PATIENCE_MS = 180_000;

const figures: Figure[] = [];
const report = new SilentReport();
const startedAt = systemClock.now();
const local = await LocalPlatform.start();
figures.push(lower("first start to all healthy", "s", (systemClock.now() - startedAt) / 1000));
try {
  await measure(local);
} finally {
  await local.stop();
}
printFigures(figures, process.argv.includes("--json"), process.stdout);

async function measure(platform: LocalPlatform): Promise<void> {
  const business = platform.client("business");
  const mainJob = new MainJob({ developer: platform.client("developer"), business }, report, systemClock);
  const { model } = await mainJob.run({ providers: 2, digitIndex: 0 });
  for (const step of report.steps) figures.push(lower(`step: ${step.title}`, "s", step.tookMs / 1000));
  await measureRestart(platform);
  const { unseen } = splitDigits(await loadDigits(), TRAINING);
  const modelId = model.modelId as number;
  await runInference(business, modelId, digitAt(unseen, 1), "proof", report);
  await measureProven(business, modelId, unseen);
  await measureConcurrent(platform, business, modelId, unseen);
  measureMemory(platform);
}

async function measureRestart(platform: LocalPlatform): Promise<void> {
  const tookMs = await platform.restart();
  figures.push(lower("warm start to all healthy", "s", tookMs / 1000, 20));
}

async function measureProven(business: AiosClient, modelId: number, unseen: LabelledDigits): Promise<void> {
  const totals: number[] = [];
  const proofs: number[] = [];
  const gas: number[] = [];
  const steps = new Map<string, number[]>();
  for (let run = 0; run < PROVEN_RUNS; run++) {
    const began = performance.now();
    const { job } = await runInference(business, modelId, digitAt(unseen, run + 2), "proof", report);
    totals.push(performance.now() - began);
    proofs.push((await business.jobs.proof(job.jobId)).proveMs ?? Number.NaN);
    gas.push(job.steps.find((step) => step.name === "settled")?.gasUsed ?? Number.NaN);
    collectSteps(job, steps);
  }
  figures.push(
    lower("inference request to settled payment, p50 of 20", "s", percentile(totals, 0.5) / 1000, 5),
  );
  figures.push(
    lower("inference request to settled payment, p95 of 20", "s", percentile(totals, 0.95) / 1000),
  );
  for (const [name, samples] of steps)
    figures.push(lower(`  until ${name}, p50`, "ms", percentile(samples, 0.5)));
  figures.push(lower("Groth16 proof, p50", "s", percentile(proofs, 0.5) / 1000, 1.5));
  figures.push(lower("settling transaction, all of it", "gas", percentile(gas, 0.5)));
}

function collectSteps(job: Job, steps: Map<string, number[]>): void {
  const first = job.steps[0]?.atMs ?? job.createdAtMs;
  for (const step of job.steps) steps.set(step.name, [...(steps.get(step.name) ?? []), step.atMs - first]);
}

async function measureConcurrent(
  platform: LocalPlatform,
  business: AiosClient,
  modelId: number,
  unseen: LabelledDigits,
): Promise<void> {
  await approveEscrow(platform, business);
  const began = performance.now();
  const latencies: number[] = [];
  const outcomes = await Promise.allSettled(
    Array.from({ length: CONCURRENT_REQUESTS }, async (_, index) => {
      const from = performance.now();
      const request = {
        inference: { modelId, input: toHex(digitAt(unseen, index)) },
        verification: "none" as const,
        priceCapWei: INFERENCE_PRICE_CAP_WEI,
      };
      const key = crypto.randomUUID();
      // A platform under load answers 503 with Retry-After; a careful client repeats under the same key.
      const prepared = await persistently(
        systemClock,
        () => business.jobs.prepare(request, key),
        PATIENCE_MS,
      );
      await persistently(systemClock, () => business.jobs.place(prepared), PATIENCE_MS);
      const { jobId } = prepared.job;
      const done = (changed: Job): boolean => changed.output !== null;
      const job = await persistently(systemClock, () => business.jobs.wait(jobId, done), PATIENCE_MS);
      if (job.output === null) throw new Error(`job ${job.jobId} ended as ${job.state}`);
      latencies.push(performance.now() - from);
    }),
  );
  const lost = outcomes.filter((outcome) => outcome.status === "rejected");
  const seconds = (performance.now() - began) / 1000;
  const reason = lost[0]?.status === "rejected" ? String(lost[0].reason) : undefined;
  figures.push({
    ...lower(`${CONCURRENT_REQUESTS} concurrent unproven requests, lost`, "requests", lost.length, 0),
    ...(reason === undefined ? {} : { note: reason }),
  });
  figures.push({
    suite: SUITE,
    name: `${CONCURRENT_REQUESTS} concurrent unproven requests, throughput`,
    value: latencies.length / seconds,
    unit: "results/s",
    better: "higher",
  });
  figures.push(
    lower(
      `${CONCURRENT_REQUESTS} concurrent unproven requests, order to output p95`,
      "s",
      percentile(latencies, 0.95) / 1000,
    ),
  );
}

/** Permits are signed one after the other; who orders many jobs at once lets the escrow take more, once. */
async function approveEscrow({ platform }: LocalPlatform, business: AiosClient): Promise<void> {
  const { contracts } = await business.protocol();
  const provider = new JsonRpcProvider(platform.jsonRpcUrl);
  const wallet = new Wallet(platform.privateKey("business"), provider);
  const token = new Contract(
    contracts["WrappedAios"] as string,
    ["function approve(address,uint256)"],
    wallet,
  );
  const allowanceWei = INFERENCE_PRICE_CAP_WEI * BigInt(CONCURRENT_REQUESTS);
  await (await token.getFunction("approve")(contracts["JobEscrow"], allowanceWei)).wait();
  provider.destroy();
}

function measureMemory(platform: LocalPlatform): void {
  let total = 0;
  for (const [name, pid] of platform.platform.supervisor.pids()) {
    const mebibytes = residentMiB(pid);
    total += mebibytes;
    figures.push(lower(`resident: ${name}`, "MiB", mebibytes));
  }
  figures.push({
    ...lower("resident: all processes", "MiB", total, 2_560),
    note: "proportional set size, after the load above",
  });
}

function lower(name: string, unit: string, value: number, goal?: number): Figure {
  return { suite: SUITE, name, value, unit, better: "lower", ...(goal === undefined ? {} : { goal }) };
}
