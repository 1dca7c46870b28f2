import { aios, WEI_PER_AIOS } from "@aios/kernel/units";
import type { TrainingSpec } from "@aios/sdk/api-types";

/** What the developer orders: a small network on real handwritten digits, reproducible by its seed. */
export const TRAINING: TrainingSpec = {
  dataSet: "mnist-digits",
  seed: 20_240_301,
  epochs: 12,
  batchSize: 64,
  layers: [784, 128, 10],
  trainPerClass: 800,
  testPerClass: 200,
  shiftAugmentation: true,
};

export const MODEL_NAME = "Digits 784–128–10";
export const TRAINING_PRICE_CAP_WEI = aios(50);
export const LICENCE_PRICE_WEI = aios(25);
export const LICENCE_PRICE_LIMIT_WEI = aios(30);
/** What one inference pays the model's owner: 0.05 AIOS. */
export const USAGE_FEE_WEI = WEI_PER_AIOS / 20n;
export const ROYALTY_BPS = 700;
export const INFERENCE_PRICE_CAP_WEI = aios(5);

/** Quantisation may cost at most this much accuracy. */
export const MAX_ACCURACY_LOSS_POINTS = 1;
export const MIN_UNSEEN_ACCURACY = 0.95;
export const CALIBRATION_SAMPLES = 512;
