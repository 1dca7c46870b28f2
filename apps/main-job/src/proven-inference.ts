import { argmax } from "@aios/core-zkml/evaluator";
import { unpackOutput } from "@aios/core-zkml/output-packing";
import { DIGIT_CLASSES } from "@aios/datasets/labelled-digits";
import { formatAios } from "@aios/kernel/units";
import type { Job, JobPayment, ProofJob, Verification } from "@aios/sdk/api-types";
import type { AiosClient } from "@aios/sdk/client";
import { toHex } from "@aios/sdk/hex";
import type { PreparedJob } from "@aios/sdk/job-api";
import { present, settled } from "./expectation.js";
import { INFERENCE_PRICE_CAP_WEI } from "./plan.js";
import type { Fact, Report } from "./report.js";

export interface InferenceOutcome {
  readonly job: Job;
  readonly prepared: PreparedJob;
  readonly prediction: number;
  readonly logits: readonly number[];
}

/** The business orders one inference, signs order and permit with its own key, and waits for the settlement. */
export async function runInference(
  business: AiosClient,
  modelId: number,
  digit: Uint8Array,
  verification: Verification,
  report: Report,
  idempotencyKey?: string,
): Promise<InferenceOutcome> {
  const prepared = await business.jobs.prepare(
    { inference: { modelId, input: toHex(digit) }, verification, priceCapWei: INFERENCE_PRICE_CAP_WEI },
    idempotencyKey,
  );
  await business.jobs.place(prepared);
  const byWord = verification === "none" || verification === "sample";
  // A sampled delivery says first whether it is drawn: then a proof settles it.
  const isAcceptable = ({ state, steps }: Job): boolean =>
    (state === "delivered" || state === "pending") &&
    (verification === "none" || steps.some(({ name }) => name === "not-drawn"));
  let job = await business.jobs.wait(prepared.job.jobId, (changed) => byWord && isAcceptable(changed), {
    onChange: (changed) => report.progress(changed.progress?.message ?? changed.state),
  });
  if (byWord && job.state !== "settled") {
    await business.jobs.accept(job.jobId);
    job = await business.jobs.wait(job.jobId);
  }
  settled(job);
  const logits = [...unpackOutput(BigInt(present(job.output, "the output")), DIGIT_CLASSES)];
  return { job, prepared, logits, prediction: argmax(logits) };
}

/** What anyone can check about a settled, proven inference. */
export async function proofFacts(business: AiosClient, outcome: InferenceOutcome): Promise<Fact[]> {
  const { job } = outcome;
  const [proof, placement] = await Promise.all([
    business.jobs.proof(job.jobId),
    business.jobs.placement(job.jobId),
  ]);
  const chosen = placement.placements.at(-1)?.candidates.find((candidate) => candidate.chosen);
  return [
    { name: "job", value: job.jobId },
    { name: "trace", value: job.traceId },
    { name: "provider", value: `${job.provider} (${chosen?.explanation ?? "no explanation kept"})` },
    { name: "input", value: `${job.inputCid}, commitment ${job.inputCommitment}` },
    ...proofFigures(proof),
    ...stepFacts(job),
  ];
}

function proofFigures(proof: ProofJob): Fact[] {
  const bytes = (present(proof.proof, "the proof").length - 2) / 2;
  return [
    {
      name: "proof",
      value: `${proof.proofSystem === "honk" ? "UltraHonk" : "Groth16"}, ${bytes} bytes, proven in ${proof.proveMs} ms, evidence ${proof.evidenceCid}`,
    },
    { name: "proving key", value: present(proof.trust, "what the proof's key asks to trust") },
  ];
}

/** Every step with its time since the order, its transaction and its gas. */
export function stepFacts(job: Job): Fact[] {
  const start = job.steps[0]?.atMs ?? job.createdAtMs;
  return job.steps.map((step) => {
    const chain =
      step.transactionHash === null ? "" : `  ${step.transactionHash}  ${step.gasUsed ?? "?"} gas`;
    return {
      name: step.name,
      value: `+${String(step.atMs - start).padStart(5)} ms${chain}${step.note === "" ? "" : `  ${step.note}`}`,
    };
  });
}

/** What each way to verify would cost, how long it takes and whom it leaves to trust, before one is chosen. */
export async function quoteFacts(business: AiosClient, modelId: number, digit: Uint8Array): Promise<Fact[]> {
  const { quotes, refusals } = await business.jobs.quotes({ inference: { modelId, input: toHex(digit) } });
  return [
    ...quotes.map(({ verification, priceWei, expectedMs, verificationGas, absent, trust }) => ({
      name: `quote ${verification}`,
      value: `${formatAios(BigInt(priceWei))} AIOS, about ${(expectedMs / 1_000).toFixed(1)} s${verificationGas === null ? "" : `, ${verificationGas} gas to verify`}. To trust: ${trust}${absent.map(({ name, reason }) => ` Absent: ${name}: ${reason}`).join("")}`,
    })),
    ...refusals.map(({ verification, message, fits }) => ({
      name: `no ${verification}`,
      value: `${message}${fits === null ? "" : ` It fits: ${fits}.`}`,
    })),
  ];
}

/** Where the job's money went. */
export function paymentFacts(payments: readonly JobPayment[]): Fact[] {
  return payments.map((payment) => ({
    name: payment.kind,
    value: `${formatAios(BigInt(payment.amountWei))} AIOS → ${payment.account}`,
  }));
}
