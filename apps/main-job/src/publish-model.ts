import type { FloatModel } from "@aios/core-zkml/float-model";
import { encodeIntegerModel, modelCommitment } from "@aios/core-zkml/integer-model";
import { type QuantisationReport, quantiseModel } from "@aios/core-zkml/quantisation";
import type { DigitSplit } from "@aios/datasets/digit-split";
import { digitAt, type LabelledDigits } from "@aios/datasets/labelled-digits";
import type { Json } from "@aios/kernel/canonical-json";
import { formatAios } from "@aios/kernel/units";
import type { Model } from "@aios/sdk/api-types";
import type { AiosClient } from "@aios/sdk/client";
import { webRng } from "@aios/sdk/web-rng";
import { present, unmet } from "./expectation.js";
import { publishOffer } from "./model-publication.js";
import {
  CALIBRATION_SAMPLES,
  LICENCE_PRICE_WEI,
  MAX_ACCURACY_LOSS_POINTS,
  MIN_UNSEEN_ACCURACY,
  MODEL_NAME,
  ROYALTY_BPS,
} from "./plan.js";
import type { Fact, Report } from "./report.js";

export interface PublishedModel {
  readonly model: Model;
  readonly facts: readonly Fact[];
}

/** Quantises the trained model, encrypts and stores it, lets its keys be set up, and publishes it as a licence NFT. */
export async function publishModel(
  developer: AiosClient,
  trained: FloatModel,
  split: DigitSplit,
  report: Report,
): Promise<PublishedModel> {
  report.progress("quantising to integers");
  const { model: integerModel, report: quantisation } = quantiseModel(
    trained,
    images(split.train).slice(0, CALIBRATION_SAMPLES),
    webRng.bytes(32),
    { inputs: images(split.unseen), labels: split.unseen.labels },
  );
  const accuracy = checkedAccuracy(quantisation);
  report.progress("encrypting and storing");
  const { stored, model } = await publishOffer(
    developer,
    {
      name: MODEL_NAME,
      description: "Reads one handwritten digit of 28 × 28 grey values.",
      encoded: encodeIntegerModel(integerModel),
      commitment: modelCommitment(integerModel),
      report: asJson(quantisation),
      proofSystems: ["groth16", "honk"],
    },
    { onChange: (changed) => report.progress(changed.progress?.message ?? changed.state) },
  );
  return {
    model,
    facts: [
      {
        name: "accuracy",
        value: `${percent(accuracy.integerAccuracy)} in integers, ${percent(accuracy.floatAccuracy)} in floats, on ${accuracy.samples} unseen digits`,
      },
      { name: "content", value: `${stored.cid} (encrypted, ${stored.sizeBytes} bytes)` },
      { name: "model commitment", value: model.modelCommitment },
      { name: "Groth16 key", value: `${model.verifyingKeyHash} (${model.keyTrust})` },
      {
        name: "UltraHonk key",
        value: `${present(model.honkKeyHash, "the UltraHonk key")} (${model.honkKeyTrust})`,
      },
      {
        name: "licence NFT",
        value: `model ${model.modelId}, ${formatAios(LICENCE_PRICE_WEI)} AIOS, royalty ${ROYALTY_BPS / 100}%`,
      },
      {
        name: "transaction",
        value: present(model.publicationTransactionHash, "the publication's transaction"),
      },
    ],
  };
}

function checkedAccuracy(quantisation: QuantisationReport): NonNullable<QuantisationReport["accuracy"]> {
  const accuracy = present(quantisation.accuracy, "the accuracy report");
  if (accuracy.floatAccuracy < MIN_UNSEEN_ACCURACY || accuracy.lossPoints > MAX_ACCURACY_LOSS_POINTS) {
    throw unmet(
      "accuracy-too-low",
      `The model reads ${percent(accuracy.integerAccuracy)} of the unseen digits (${percent(accuracy.floatAccuracy)} before quantisation); at least ${percent(MIN_UNSEEN_ACCURACY)} and a loss of at most ${MAX_ACCURACY_LOSS_POINTS} point are promised.`,
      { accuracy },
    );
  }
  return accuracy;
}

function images(digits: LabelledDigits): Uint8Array[] {
  return Array.from({ length: digits.count }, (_, index) => digitAt(digits, index));
}

function asJson(report: QuantisationReport): Json {
  return JSON.parse(JSON.stringify(report)) as Json;
}

function percent(fraction: number): string {
  return `${(fraction * 100).toFixed(2)}%`;
}
