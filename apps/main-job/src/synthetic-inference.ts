import { splitDigits } from "@aios/datasets/digit-split";
import { loadDigits } from "@aios/datasets/digits";
import { digitAt } from "@aios/datasets/labelled-digits";
import { CodedError, isCodedError } from "@aios/kernel/coded-error";
import type { AiosClient } from "@aios/sdk/client";
import { fromHex } from "@aios/sdk/hex";
import { verdictOf } from "@aios/sdk/verification/verification-report";
import { verifyJob } from "@aios/sdk/verification/verify-job";
import { present, unmet } from "./expectation.js";
import { LICENCE_PRICE_LIMIT_WEI, TRAINING } from "./plan.js";
import { runInference } from "./proven-inference.js";
import type { Report } from "./report.js";

const SILENT: Report = { step() {}, progress() {}, done() {}, text() {} };

export interface SyntheticOptions {
  /** The model that is asked; undefined: the newest published one. */
  readonly modelId: number | undefined;
  /** Which of the unseen digits it is asked about; any number. */
  readonly digitIndex: number;
}

/**
 * The part of the main job that every buyer depends on, as one account: a licence where it has none, a proven inference
 * that settles, and its evidence checked again from outside. Answers the job's id; throws a `CodedError` otherwise.
 */
export async function syntheticInference(buyer: AiosClient, options: SyntheticOptions): Promise<string> {
  const modelId = options.modelId ?? (await newestModel(buyer));
  await holdLicence(buyer, modelId);
  const { unseen } = splitDigits(await loadDigits(), TRAINING);
  const digit = digitAt(unseen, options.digitIndex % unseen.count);
  const { job, prepared } = await runInference(buyer, modelId, digit, "proof", SILENT);
  const report = await verifyJob(buyer, job.jobId, {
    input: digit,
    inputSalt: fromHex(present(prepared.inputSalt, "the salt of the input commitment")),
  });
  if (!report.ok) {
    const failed = report.checks.filter((check) => check.ok === false);
    throw unmet("verification-failed", verdictOf(report), {
      jobId: job.jobId,
      checks: failed,
      missing: report.missing,
    });
  }
  return job.jobId;
}

/** The newest published model. Throws `no-model`. */
export async function newestModel(buyer: AiosClient): Promise<number> {
  const { items } = await buyer.models.list();
  const published = items.find((model) => model.state === "published" && model.modelId !== null);
  if (published?.modelId != null) return published.modelId;
  throw new CodedError({
    code: "no-model",
    kind: "not-found",
    message: "No model is published that could be asked: run the main job once, or name one with --model.",
  });
}

async function holdLicence(buyer: AiosClient, modelId: number): Promise<void> {
  try {
    await buyer.models.purchaseLicence(modelId, LICENCE_PRICE_LIMIT_WEI);
  } catch (error) {
    if (!isCodedError(error) || error.code !== "licence-already-owned") throw error;
  }
}
