// `npm run bench -- main-job`: the main job's figures on this machine, through the gateway only.
import { digitAt, type LabelledDigits } from "@aios/datasets/labelled-digits";
import { USUAL_HONOR_NODES } from "@aios/launcher/honor-nodes";
import { memoryBudgetOf, PLATFORM_RESIDENT_MIB } from "@aios/launcher/memory-budget";
import { MainJob } from "@aios/main-job/main-job";
import { TRAINING, TRAINING_PRICE_CAP_WEI } from "@aios/main-job/plan";
import { runInference } from "@aios/main-job/proven-inference";
import type { Job } from "@aios/sdk/api-types";
import type { AiosClient } from "@aios/sdk/client";
import { toHex } from "@aios/sdk/hex";
import { webRng } from "@aios/sdk/web-rng";
import { systemClock } from "@aios/service-kit/system-clock";
import { concurrentFigures, unseenDigits } from "../src/concurrent-figures.js";
import { type Figure, percentile, printFigures } from "../src/figures.js";
import { LocalPlatform } from "../src/local-platform.js";
import { residentMiB } from "../src/resident-memory.js";
import { SilentReport } from "../src/silent-report.js";

const SUITE = "main-job";
const PROVEN_RUNS = 20;
const CONCURRENT_REQUESTS = 200;

const figures: Figure[] = [];
const report = new SilentReport();
const startedAt = systemClock.now();
const local = await LocalPlatform.start({}, undefined, USUAL_HONOR_NODES);
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
  const unseen = await unseenDigits();
  const modelId = model.modelId as number;
  await runInference(business, modelId, digitAt(unseen, 1), "proof", report);
  await measureProven(business, modelId, unseen);
  figures.push(...(await concurrentFigures(SUITE, platform, business, modelId, unseen, CONCURRENT_REQUESTS)));
  measureMemory(platform);
  await measureStop(platform);
}

async function measureRestart(platform: LocalPlatform): Promise<void> {
  const tookMs = await platform.restart();
  figures.push(lower("warm start to all healthy", "s", tookMs / 1000, 20));
}

/** Ctrl-C without the launcher's own end: what the launcher waits for. */
async function measureStop(platform: LocalPlatform): Promise<void> {
  const { jobs } = platform.client("developer");
  const prepared = await jobs.prepare({
    training: TRAINING,
    verification: "none",
    priceCapWei: TRAINING_PRICE_CAP_WEI,
    outputRecipientPublicKey: toHex(webRng.bytes(32)),
  });
  await jobs.place(prepared);
  await jobs.wait(prepared.job.jobId, ({ progress }) => progress?.stage === "training");
  const began = performance.now();
  await platform.platform.stop();
  figures.push(lower("stop of everything amid a training", "s", (performance.now() - began) / 1000, 5));
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

function measureMemory(platform: LocalPlatform): void {
  let total = 0;
  for (const [name, pid] of platform.platform.supervisor.pids()) {
    const mebibytes = residentMiB(pid);
    total += mebibytes;
    figures.push(lower(`resident: ${name}`, "MiB", mebibytes, memoryBudgetOf(name).residentMiB));
  }
  figures.push({
    ...lower("resident: all processes", "MiB", total, PLATFORM_RESIDENT_MIB),
    note: "proportional set size, after the load above",
  });
}

function lower(name: string, unit: string, value: number, goal?: number): Figure {
  return { suite: SUITE, name, value, unit, better: "lower", ...(goal === undefined ? {} : { goal }) };
}
