import { readFileSync } from "node:fs";
import { digitAt, type LabelledDigits } from "@aios/datasets/labelled-digits";
import { publishOffer } from "@aios/main-job/model-publication";
import type { Model } from "@aios/sdk/api-types";
import type { AiosClient } from "@aios/sdk/client";
import { type ImportedProvableModel, importModel, reportJson } from "@aios/sdk/model-import";

const ONNX = new URL("../../vectors/models/digits-compact-cnn.onnx", import.meta.url);
const CALIBRATION = 32;

/** A convolutional network as PyTorch or Keras would export it, made provable with digits as the network will see them. */
export function importedDigits(
  train: LabelledDigits,
  unseen: LabelledDigits,
  samples: number,
): ImportedProvableModel {
  const some = (digits: LabelledDigits, count: number): Uint8Array[] =>
    Array.from({ length: count }, (_, index) => digitAt(digits, index));
  return importModel(
    { format: "onnx", bytes: new Uint8Array(readFileSync(ONNX)) },
    {
      calibration: some(train, CALIBRATION),
      samples: { inputs: some(unseen, samples), labels: unseen.labels.slice(0, samples) },
      // What the circuit is smallest with.
      granularity: "tensor",
      minMultiplier: 16,
    },
  );
}

/** Stores, publishes and offers an imported model as any developer would, through the gateway only. */
export async function publishImported(
  developer: AiosClient,
  { encoded, commitment, report }: ImportedProvableModel,
): Promise<Model> {
  const offer = {
    name: "Digits, convolutional",
    description: "Reads one handwritten digit of 28 × 28 grey values; imported from ONNX.",
    encoded,
    commitment,
    report: reportJson(report),
  };
  return (await publishOffer(developer, offer)).model;
}
