import { trainingOutOfRange } from "./errors.js";
import type { TrainingPlan } from "./ports.js";

/** The largest training that this program takes, whoever orders it; the data set has no more. */
const BOUNDS = {
  seed: [0, 0xffff_ffff],
  epochs: [1, 50],
  batchSize: [1, 1_024],
  trainPerClass: [1, 900],
  testPerClass: [1, 200],
} as const;
const LAYERS = [2, 6] as const;
const WIDTH = [1, 1_024] as const;

/** Throws `training-out-of-range`, which names the field. */
export function checkPlan(plan: TrainingPlan): void {
  for (const [field, [least, most]] of Object.entries(BOUNDS)) {
    if (!within(plan[field as keyof typeof BOUNDS], least, most)) {
      throw trainingOutOfRange(field, `a whole number from ${least} to ${most}`);
    }
  }
  const [least, most] = LAYERS;
  if (!within(plan.layers.length, least, most) || !plan.layers.every((width) => within(width, ...WIDTH))) {
    throw trainingOutOfRange("layers", `${least} to ${most} sizes from ${WIDTH[0]} to ${WIDTH[1]}`);
  }
}

function within(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most;
}
